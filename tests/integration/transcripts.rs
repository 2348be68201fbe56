//! Console transcripts, run: the README's and those of `tests/transcripts/`. `TRYCMD=overwrite cargo test transcripts`
//! writes what the program prints now.

#[test]
fn transcripts_are_true() {
    trycmd::TestCases::new()
        .env("SOURCE_DATE_EPOCH", "1795400000")
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .default_bin_name("tunelint")
        .case("README.md")
        .case("tests/transcripts/*.md");
}
