//! The command line: every flag, its help, and nothing else. The words are ruff's where ruff has one.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tunelint::output::OutputFormat;
use tunelint::rule::Severity;
use tunelint::settings::ImageChecks;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

/// Lints, prices and builds fine-tuning datasets (JSONL) before anyone pays to train on them.
#[derive(Debug, Parser)]
#[command(name = "tunelint", version, styles = STYLES, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check datasets for what their target would refuse, drop, cut or charge for
    Check(Box<CheckArguments>),
    /// Build datasets from Parquet, CSV, JSONL, images or tar files, as a recipe says
    Generate(Box<GenerateArguments>),
    /// Check datasets and write an HTML page about them
    Report(Box<ReportArguments>),
    /// Show lines of a dataset as chats, with what is wrong with them
    Show(Box<ShowArguments>),
    /// Explain a rule, or list all of them
    #[command(visible_alias = "explain")]
    Rule(RuleArguments),
    /// Show what a target demands, with its sources, or list all targets
    Target(TargetArguments),
    /// Write a configuration for the datasets in a folder, or a recipe for a source
    Init(InitArguments),
    /// Show the settings that check goes by, and where each comes from
    Config(Box<ShowConfigArguments>),
    /// Print the completions for a shell
    Completions(CompletionsArguments),
    /// Print the manual page
    Man(ManArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Files, or folders to search for .jsonl and .ndjson (also .gz, .zst); - is standard input
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) judging: JudgingArguments,
    #[command(flatten)]
    pub(crate) fixing: FixingArguments,
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    /// Write a report to a file, too: an HTML page
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) page: PageArguments,
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Leave out the findings that this file knows
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub(crate) baseline: Option<PathBuf>,
    /// Add all findings to the baseline, and tell none [default: tunelint-baseline.json]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, help_heading = "Configuration")]
    pub(crate) add_baseline: Option<Option<PathBuf>>,
    /// Take out of the baseline what is no longer found; check all that it is about
    #[arg(long, help_heading = "Configuration")]
    pub(crate) update_baseline: bool,
    /// Least severity that makes the exit code 1 [default: error]
    #[arg(long, value_enum, help_heading = "Configuration")]
    pub(crate) fail_on: Option<FailOn>,
    /// Exit with 0 whatever is found
    #[arg(long, short = 'e', help_heading = "Configuration")]
    pub(crate) exit_zero: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Files, or folders to search for .jsonl and .ndjson (also .gz, .zst); - is standard input
    pub(crate) paths: Vec<PathBuf>,
    /// Where to write the page
    #[arg(long, short, value_name = "FILE", default_value = "report.html", help_heading = "Report")]
    pub(crate) output_file: PathBuf,
    #[command(flatten)]
    pub(crate) page: PageArguments,
    /// Print no sums
    #[arg(long, short, help_heading = "Report")]
    pub(crate) quiet: bool,
    /// When to colour the sums
    #[arg(long, value_enum, default_value_t = When::Auto, help_heading = "Report")]
    pub(crate) color: When,
    /// Show no progress bar
    #[arg(long, help_heading = "Report")]
    pub(crate) no_progress: bool,
    #[command(flatten)]
    pub(crate) judging: JudgingArguments,
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
}

/// What a report shows of the data.
#[derive(Clone, Debug, Args)]
pub(crate) struct PageArguments {
    /// Show no text and no image of the data on the page
    #[arg(long, help_heading = "Report")]
    pub(crate) redact: bool,
    /// Examples to show, chosen by chance
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(..=100), help_heading = "Report")]
    pub(crate) samples: u16,
    /// What chance goes by: the same seed shows the same examples
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Report")]
    pub(crate) seed: u64,
}

/// What a dataset is judged by.
#[derive(Clone, Debug, Args)]
pub(crate) struct JudgingArguments {
    /// Provider or trainer the dataset is bound for, or a .toml file of your own [default: openai]
    #[arg(long, short, value_name = "NAME", help_heading = "Target")]
    pub(crate) target: Option<String>,
    /// Model to be trained [default: the target's]
    #[arg(long, short, value_name = "NAME", help_heading = "Target")]
    pub(crate) model: Option<String>,
    /// Training method; auto goes by what most lines look like
    #[arg(long, value_enum, help_heading = "Target")]
    pub(crate) method: Option<Method>,
    /// Epochs to price; by the target's published formula when left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000), help_heading = "Target")]
    pub(crate) epochs: Option<u64>,

    /// Check only these rules: codes, beginnings of codes, names, or ALL
    #[arg(long, value_delimiter = ',', value_name = "RULE", help_heading = "Rule selection")]
    pub(crate) select: Option<Vec<String>>,
    /// Leave these rules out
    #[arg(long, value_delimiter = ',', value_name = "RULE", help_heading = "Rule selection")]
    pub(crate) ignore: Vec<String>,
    /// Check these rules too
    #[arg(long, value_delimiter = ',', value_name = "RULE", help_heading = "Rule selection")]
    pub(crate) extend_select: Vec<String>,
    /// How much to look at in images: their URLs, their headers, or every byte
    #[arg(long, value_enum, help_heading = "Rule selection")]
    pub(crate) images: Option<Images>,
    /// Ask for images that are given by http and https addresses, and judge them as embedded ones; nothing else opens a
    /// connection
    #[arg(long, help_heading = "Rule selection")]
    pub(crate) fetch_images: bool,
    /// Do not count tokens: faster, but no lengths and no price
    #[arg(long, help_heading = "Rule selection")]
    pub(crate) no_tokens: bool,
}

/// What is mended, and where that goes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FixingArguments {
    /// Mend what can be mended without a doubt, in place, and report the rest
    #[arg(long, help_heading = "Fixing")]
    pub(crate) fix: bool,
    /// Count fixes that guess or leave something out; with --fix, make them, and set aside in FILE.rejected.jsonl the lines
    /// that cannot be saved
    #[arg(long, help_heading = "Fixing")]
    pub(crate) unsafe_fixes: bool,
    /// Show what --fix would change, and write nothing; exit with 1 when there is anything
    #[arg(long, conflicts_with = "fix_output", help_heading = "Fixing")]
    pub(crate) diff: bool,
    /// Mend, and report nothing
    #[arg(long, help_heading = "Fixing")]
    pub(crate) fix_only: bool,
    /// Write the mended data here and leave the file as it is; - is standard output
    #[arg(long, value_name = "FILE", help_heading = "Fixing")]
    pub(crate) fix_output: Option<PathBuf>,
    /// Exit with 1 when anything was mended, even if nothing is left
    #[arg(long, help_heading = "Fixing")]
    pub(crate) exit_non_zero_on_fix: bool,
}

/// Which files are read.
#[derive(Clone, Debug, Args)]
pub(crate) struct SelectionArguments {
    /// Read paths from a file, one a line; - is standard input
    #[arg(long, value_name = "FILE", help_heading = "File selection")]
    pub(crate) file_list: Option<PathBuf>,
    /// Leave out files that match these globs
    #[arg(long, value_delimiter = ',', value_name = "GLOB", help_heading = "File selection")]
    pub(crate) exclude: Vec<String>,
    /// Apply --exclude to files named on the command line too (for hooks)
    #[arg(long, help_heading = "File selection")]
    pub(crate) force_exclude: bool,
    /// Look at files that .gitignore hides, too
    #[arg(long, help_heading = "File selection")]
    pub(crate) no_respect_gitignore: bool,
    /// Name to show for standard input, and to look up the configuration for
    #[arg(long, value_name = "PATH", help_heading = "File selection")]
    pub(crate) stdin_filename: Option<PathBuf>,
    /// Nothing to check is no failure
    #[arg(long, help_heading = "File selection")]
    pub(crate) no_error_on_unmatched: bool,
}

/// How findings are shown.
#[derive(Debug, Args)]
pub(crate) struct OutputArguments {
    /// Format of the findings
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(OutputFormat::ALL.map(|(name, _)| name)), help_heading = "Output")]
    pub(crate) output_format: Option<String>,
    /// Write the findings to a file instead of standard output
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub(crate) output_file: Option<PathBuf>,
    /// Findings of each rule to show for people; 0 shows all, and machine formats always do [default: 5]
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub(crate) max_findings: Option<u64>,
    /// Show the sums and the counts by rule, not each finding
    #[arg(long, help_heading = "Output")]
    pub(crate) statistics: bool,
    /// Show findings only, without the closing summary
    #[arg(long, short, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// When to colour
    #[arg(long, value_enum, default_value_t = When::Auto, help_heading = "Output")]
    pub(crate) color: When,
    /// Show no progress bar
    #[arg(long, help_heading = "Output")]
    pub(crate) no_progress: bool,
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArguments {
    /// A configuration file, or a setting as KEY=VALUE (TOML) that outweighs it
    #[arg(long, value_name = "PATH|KEY=VALUE", help_heading = "Configuration")]
    pub(crate) config: Vec<String>,
    /// Read no configuration file
    #[arg(long, help_heading = "Configuration")]
    pub(crate) isolated: bool,
    /// Say which configuration and settings are used
    #[arg(long, short, help_heading = "Configuration")]
    pub(crate) verbose: bool,
    /// Threads to work on [default: one a core]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Configuration")]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArguments {
    /// The recipe, a TOML file
    #[arg(required_unless_present = "schema")]
    pub(crate) recipe: Option<PathBuf>,

    /// Lay a setting over the recipe, with dots for tables: rows.sample=100
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Recipe")]
    pub(crate) set: Vec<String>,
    /// Print the JSON Schema of recipes, for editors
    #[arg(long, help_heading = "Recipe")]
    pub(crate) schema: bool,

    /// Folder of the files [default: the recipe's]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub(crate) output_dir: Option<PathBuf>,
    /// Replace files that are there, once the new ones are whole
    #[arg(long, help_heading = "Output")]
    pub(crate) overwrite: bool,
    /// Make and check everything, write nothing: counts, tokens, bytes and cost of each split
    #[arg(long, help_heading = "Output")]
    pub(crate) dry_run: bool,
    /// Show the first N examples as chats, and write nothing
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "3", conflicts_with = "dry_run", help_heading = "Output")]
    pub(crate) preview: Option<usize>,
    /// Text for people, or JSON
    #[arg(long, value_enum, default_value_t = TextOrJson::Text, help_heading = "Output")]
    pub(crate) output_format: TextOrJson,
    /// Say what was written and what is wrong, nothing else
    #[arg(long, short, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// When to colour
    #[arg(long, value_enum, default_value_t = When::Auto, help_heading = "Output")]
    pub(crate) color: When,
    /// Show no progress bar
    #[arg(long, help_heading = "Output")]
    pub(crate) no_progress: bool,
    /// Threads to work on [default: one a core]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Output")]
    pub(crate) threads: Option<u16>,
}

impl CheckArguments {
    /// Whether files are mended, or shown as they would be.
    pub(crate) fn fixes(&self) -> bool {
        self.fixing.fix || self.fixing.fix_only || self.fixing.diff || self.fixing.fix_output.is_some()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Supervised fine-tuning on chats
    Sft,
    /// Direct preference optimisation
    Dpo,
    /// Reinforcement fine-tuning
    Rft,
    /// Prompt and completion
    Completions,
    /// Plain text
    Text,
    /// By what most lines look like
    Auto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Images {
    /// URLs and media types
    None,
    /// Format, size and mode
    Header,
    /// Every byte
    Full,
}

impl From<Images> for ImageChecks {
    fn from(images: Images) -> Self {
        match images {
            Images::None => Self::None,
            Images::Header => Self::Header,
            Images::Full => Self::Full,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// What the target refuses
    Error,
    /// What loses data or money, too
    Warning,
    /// Anything
    Info,
}

impl From<FailOn> for Severity {
    fn from(fail_on: FailOn) -> Self {
        match fail_on {
            FailOn::Error => Self::Error,
            FailOn::Warning => Self::Warning,
            FailOn::Info => Self::Info,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The line: train.jsonl:12, or several: train.jsonl:12-15
    #[arg(value_name = "FILE:LINE", required_unless_present = "stdin")]
    pub(crate) places: Vec<String>,
    /// The line of standard input: -:12, or several: -:12-15
    #[arg(short = ':', value_name = "LINE")]
    pub(crate) stdin: Option<String>,
    /// Show the JSON itself, indented, with base64 cut to its ends
    #[arg(long, help_heading = "Output")]
    pub(crate) raw: bool,
    /// Show long texts and lists to their ends
    #[arg(long, help_heading = "Output")]
    pub(crate) all: bool,
    /// Show the line only, not what is wrong with it
    #[arg(long, short, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// When to colour
    #[arg(long, value_enum, default_value_t = When::Auto, help_heading = "Output")]
    pub(crate) color: When,
    #[command(flatten)]
    pub(crate) judging: JudgingArguments,
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RuleArguments {
    /// Code or name, such as M003 or unknown-role
    pub(crate) rule: Option<String>,
    /// Print all pages
    #[arg(long)]
    pub(crate) all: bool,
    /// Text for people, or JSON
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) output_format: TextOrJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextOrJson {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct TargetArguments {
    /// Name, such as azure, or a .toml file of your own
    pub(crate) target: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Folder with datasets [default: the current one], for a configuration; or a source (Parquet, CSV, JSONL, tar, a folder of
    /// images), for a recipe
    pub(crate) path: Option<PathBuf>,
    /// Print the file instead of writing it
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowConfigArguments {
    /// Print the JSON Schema of the configuration file, for editors
    #[arg(long)]
    pub(crate) schema: bool,
    #[command(flatten)]
    pub(crate) check: CheckArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell to complete for
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Write one page for each command into this folder instead
    #[arg(long, value_name = "DIR")]
    pub(crate) out_dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
