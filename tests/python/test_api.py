"""The Python API over the installed wheel."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import tunelint
from conftest import ROOT, example


def test_files_and_memory_say_the_same(write, tmp_path: Path) -> None:
    examples = [example(n) for n in range(59)] + [example(59, "asistant")]
    path = write("train.jsonl", examples)
    from_file = tunelint.check(path, isolated=True)
    in_memory = tunelint.check(examples, isolated=True, name=str(path))
    streamed = tunelint.check((one for one in examples), isolated=True, name=path)
    assert from_file == in_memory == streamed
    assert not from_file.ok and from_file.verdict == "rejected"
    (finding,) = [finding for finding in from_file.findings if finding.severity == "error"]
    assert (finding.code, finding.name, finding.line, finding.pointer) == ("M003", "unknown-role", 60, "/messages/1/role")
    assert finding.line_hash is not None and len(finding.line_hash) == 32
    assert str(finding).startswith(f"{path}:60:") and "error[M003]" in str(finding)
    assert from_file.summary["files"][0]["examples"] == 60
    assert repr(from_file).startswith("<tunelint rejected for openai: 1 error, 1 note in 60 examples, about $")
    assert "error[M003]" in str(from_file)


def test_several_paths_and_a_folder(write, tmp_path: Path) -> None:
    write("data/a.jsonl", [example(n) for n in range(50)])
    write("data/b.jsonl", [example(n) for n in range(50, 100)])
    for data in (tmp_path / "data", [str(tmp_path / "data/a.jsonl"), tmp_path / "data/b.jsonl"]):
        report = tunelint.check(data)
        assert report.ok and len(report.summary["files"]) == 2


def test_options_reach_the_program(write) -> None:
    examples = [example(n) for n in range(20)] + [example(20, "asistant")]
    path = write("train.jsonl", examples)
    assert tunelint.check(path, ignore="M003").ok
    assert {finding.code for finding in tunelint.check(path, select=["M003", "L002"]).findings} == {"M003", "L002"}
    azure = tunelint.check(path, target="azure", model="gpt-4.1", epochs=2, images="none", tokens=False, threads=1)
    assert (azure.target, azure.model) == ("azure", "gpt-4.1")
    assert azure.summary["cost_usd"] is None
    assert tunelint.check(path, config={"ignore": ["unknown-role"], "tokens": False}).ok
    assert not tunelint.check(path, config={"rules": {"M003": "info", "few-examples": "error"}}).ok
    assert tunelint.check(path, config={"rules": {"M003": "info"}}).ok
    assert not tunelint.check(path, config={"rules": {"M003": "info"}}, fail_on="info").ok


def test_a_baseline_is_counted(write, tmp_path: Path) -> None:
    path = write("train.jsonl", [example(n) for n in range(59)] + [example(59, "asistant")])
    baseline = tmp_path / "known.json"
    subprocess.run([tunelint.find_binary(), "check", path, f"--add-baseline={baseline}"], check=True, capture_output=True)
    report = tunelint.check(path, baseline=baseline)
    assert report.ok and report.findings == [] and "2 findings in the baseline" in repr(report)


def test_what_cannot_be_done_is_an_exception(write, tmp_path: Path) -> None:
    path = write("train.jsonl", [example(1)])
    with pytest.raises(FileNotFoundError) as missing:
        tunelint.check([path, tmp_path / "missing.jsonl"])
    assert missing.value.filename == str(tmp_path / "missing.jsonl")
    with pytest.raises(tunelint.Error, match="did you mean `openai`"):
        tunelint.check(path, target="opnai")
    with pytest.raises(tunelint.Error, match="there is no rule"):
        tunelint.check([example(1)] * 100_000, select="nonsense")  # while it is still being fed
    with pytest.raises(TypeError, match="example 2 cannot be written as JSON: .*bytes"):
        tunelint.check([example(1), {"messages": b"x"}])
    with pytest.raises(TypeError, match="example 2 is a str"):
        tunelint.check([example(1), "train.jsonl"])
    with pytest.raises(TypeError, match=r"\[example\]"):
        tunelint.check(example(1))
    with pytest.raises(ZeroDivisionError):
        tunelint.check(example(1 // number) for number in (1, 0))
    with pytest.raises(FileNotFoundError):
        tunelint.generate(tmp_path / "recipe.toml")


def test_a_recipe_becomes_a_dataset(tmp_path: Path) -> None:
    rows = "".join(f"What is {n}?,It is {n}.\n" for n in range(60))
    (tmp_path / "qa.csv").write_text("question,answer\n" + rows)
    recipe = tmp_path / "qa.toml"
    recipe.write_text('[source]\npath = "qa.csv"\n[splits.train]\n[example]\npreset = "question-answer"\n')
    planned = tunelint.generate(recipe, dry_run=True)
    assert planned.ok and [split["examples"] for split in planned.summary["splits"]] == [60]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["qa.csv", "qa.toml"]
    for name in ("out", "few"):
        (tmp_path / name).mkdir()
    made = tunelint.generate(recipe, output_dir=tmp_path / "out", settings={"rows.sample": 50})
    (split,) = made.summary["splits"]
    assert made.ok and split["examples"] == 50 and len(list((tmp_path / "out").glob("*.jsonl"))) == 1
    with pytest.raises(tunelint.Error, match="--overwrite"):
        tunelint.generate(recipe, output_dir=tmp_path / "out")
    assert tunelint.generate(recipe, output_dir=tmp_path / "out", overwrite=True).ok
    refused = tunelint.generate(recipe, settings={"rows.sample": 5}, output_dir=tmp_path / "few")
    assert not refused.ok and "refused" in refused.message and not list((tmp_path / "few").glob("*.jsonl"))


def test_odd_texts_arrive_as_they_are() -> None:
    report = tunelint.check([example(n) for n in range(60)] + [{"messages": [{"role": "user", "content": "\ud800 한국어"}]}])
    assert ("lone-surrogate", 61) in {(finding.name, finding.line) for finding in report.findings}
    assert not tunelint.check([]).ok
    assert "non-finite-number" in {finding.name for finding in tunelint.check([{"text": float("nan")}]).findings}


def test_data_frames(write) -> None:
    pandas = pytest.importorskip("pandas", reason="installed by run.sh")
    path = write("train.jsonl", [example(n) for n in range(20)] + [example(20, "asistant")])
    frame = tunelint.check(path).findings.to_pandas()
    assert list(frame["code"])[:1] == ["M003"] and str(frame["line"].dtype) == "Int64"
    assert frame["line"].isna().sum() == len(frame) - 1
    assert tunelint.check(path, select="D").findings.to_pandas().empty
    rows = pandas.DataFrame([example(n) for n in range(60)])
    with pytest.raises(TypeError, match="records"):
        tunelint.check(rows)
    assert tunelint.check(rows.to_dict("records")).ok


def test_the_table_of_a_notebook_is_small_and_escaped(write) -> None:
    evil = '<img src=x onerror=alert(1)>"'
    examples = [{"messages": [{"role": evil, "content": "a"}], evil: 1}] * 200
    report = tunelint.check(examples, name=f"{evil}.jsonl")
    table = report._repr_html_()
    assert "<img" not in table and "&lt;img" in table
    assert table.count("<tr>") <= 52 and "more in <code>.findings</code>" in table
    assert "color:" not in table, "the colour of text is the notebook's"
    assert tunelint.check([example(n) for n in range(60)], select="D")._repr_html_().count("<table") == 0


def test_many_at_once() -> None:
    reports: list[tunelint.Report] = []
    threads = [threading.Thread(target=lambda: reports.append(tunelint.check([example(n) for n in range(5000)]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 4 and all(report == reports[0] for report in reports)


def test_the_module_is_the_program(write) -> None:
    path = write("bad.jsonl", [example(n, "asistant") for n in range(60)])
    by_module = subprocess.run([sys.executable, "-m", "tunelint", "check", path, "-q"], capture_output=True)
    by_program = subprocess.run([tunelint.find_binary(), "check", path, "-q"], capture_output=True)
    assert (by_module.returncode, by_module.stdout) == (1, by_program.stdout)
    version = subprocess.run([tunelint.find_binary(), "--version"], capture_output=True, text=True, check=True).stdout
    assert version == f"tunelint {tunelint.__version__}\n"


def test_the_program_is_the_one_of_the_wheel(monkeypatch, tmp_path: Path) -> None:
    binary = Path(tunelint.find_binary())
    assert binary.parent == Path(sys.prefix) / "bin"
    monkeypatch.setenv("TUNELINT_BINARY", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match="TUNELINT_BINARY"):
        tunelint.find_binary()


def test_it_starts_in_less_than_ten_milliseconds() -> None:
    binary = tunelint.find_binary()
    null = os.open(os.devnull, os.O_WRONLY)

    def start() -> tuple[float, float]:
        begin = time.perf_counter()
        process = os.posix_spawn(binary, [binary, "--version"], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
        _, status, used = os.wait4(process, 0)
        assert status == 0
        return time.perf_counter() - begin, used.ru_utime + used.ru_stime

    starts = [start() for _ in range(20)]
    os.close(null)
    elapsed, computed = (statistics.median(times) * 1000 for times in zip(*starts))
    print(f"median of 20 starts: {elapsed:.2f} ms, of which {computed:.2f} ms are its own")
    # Its own time, not the clock's: on a busy machine the clock measures the others.
    assert computed < 10


def test_versions_agree() -> None:
    for file, line in (
        ("Cargo.toml", f'version = "{tunelint.__version__}"'),
        ("python/pre-commit/pyproject.toml", f'dependencies = ["tunelint=={tunelint.__version__}"]'),
    ):
        assert line in (ROOT / file).read_text().splitlines(), file
