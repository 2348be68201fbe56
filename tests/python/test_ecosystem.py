"""The comparison of two builds over real datasets, with programs that only print."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import ecosystem
import pytest
from conftest import example


def finding(code: str, line: int | None = 1, message: str = "there is no role `asistant`", **more: Any) -> dict[str, Any]:
    return {
        "type": "finding", "code": code, "name": "unknown-role", "severity": "error", "path": "a.jsonl",
        "line": line, "column": 7, "pointer": "/messages/1", "message": message, **more,
    }  # fmt: skip


def outcome(findings: list[dict[str, Any]], **summary: Any) -> ecosystem.Outcome:
    return ecosystem.Outcome(findings, {"type": "summary", "files": [], **summary}, [], 0.0)


def test_findings_are_paired_by_place() -> None:
    old = [finding("M003", 1), finding("M003", 2), finding("M003", 3, "one"), finding("M003", 3, "two"), finding("L002", None)]
    new = [finding("M003", 2, help="write `user`"), finding("M003", 3, "two"), finding("M003", 3, "three"), finding("I001", 2), finding("L002", None)]
    difference = ecosystem.compare(outcome(old), outcome(new))
    assert difference.removed == [finding("M003", 1)]
    assert difference.added == [finding("I001", 2)]
    assert difference.changed == [(old[1], new[0]), (finding("M003", 3, "one"), finding("M003", 3, "three"))]


def test_equal_findings_are_counted() -> None:
    twice, once = outcome([finding("M003"), finding("M003")]), outcome([finding("M003")])
    assert ecosystem.compare(twice, once).removed == [finding("M003")]
    assert ecosystem.compare(once, twice).added == [finding("M003")]
    assert not ecosystem.compare(twice, twice)


def test_sums_are_compared_by_file() -> None:
    old = outcome([], verdict="ready", files=[{"path": "a.jsonl", "tokens": {"text": 7, "image": 0}}], rules={"M003": 1})
    new = outcome([], verdict="rejected", files=[{"path": "a.jsonl", "tokens": {"text": 8, "image": 0}}], rules={"M003": 2})
    assert ecosystem.compare(old, new).sums == [("all files", "verdict", "ready", "rejected"), ("a.jsonl", "tokens.text", 7, 8)]


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., str]:
    """A program that prints these findings, and ends as it is told."""

    def build(name: str, findings: list[dict[str, Any]], end: str = "") -> str:
        lines = "".join(json.dumps(line) + "\n" for line in [*findings, {"type": "summary", "verdict": "ready", "files": []}])
        path = tmp_path / name
        path.write_text(f"#!{sys.executable}\nimport os, sys\nsys.stdout.write({lines!r})\nsys.stdout.flush()\n{end}\n")
        path.chmod(0o755)
        return str(path)

    return build


def compared(tmp_path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = ecosystem.main(["--corpora", str(tmp_path), "--target", "openai", "--runs", "1", "--examples", "2", *arguments])
    return code, capsys.readouterr().out


def test_differences_are_shown_by_rule(build, tmp_path: Path, capsys) -> None:
    old = build("old", [finding("M003", line) for line in range(1, 6)])
    new = build("new", [finding("M003", 1, "`asistant` is no role"), finding("I001", 9)])
    code, text = compared(tmp_path, capsys, old, new)
    assert code == 1, text
    shown = [line.split() for line in text.splitlines()]
    assert ["added", "I001", "unknown-role", "1"] in shown and ["removed", "M003", "unknown-role", "4"] in shown
    assert "    a.jsonl:9:7  error: there is no role `asistant`\n" in text and "    … 2 more\n" in text
    assert "      - message: there is no role `asistant`\n      + message: `asistant` is no role\n" in text
    assert "\n1 added, 4 removed, 1 changed; " in text
    assert compared(tmp_path, capsys, old, old)[0] == 0
    assert "\n  as at openai\n" in compared(tmp_path, capsys, old, new, "--target", "azure")[1]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("print('a.jsonl:3: tunelint failed on this line', file=sys.stderr); sys.exit(2)", "tunelint failed on this line"),
        ("sys.exit(101)", "exit code 101"),
        ("os.abort()", "signal 6"),
        ("print('half a li')", "its output is no JSON"),
    ],
    ids=["on one line", "panic", "crash", "output"],
)
def test_a_build_that_fails_is_told(build, tmp_path: Path, capsys, end: str, told: str) -> None:
    good, bad = build("good", [finding("M003")]), build("bad", [finding("M003")], end)
    for pair in ((good, bad), (bad, good)):
        code, text = compared(tmp_path, capsys, *pair)
        assert code == 2 and told in text and "A BUILD FAILED" in text, text


def test_what_cannot_be_done_is_told(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUNELINT_CORPORA", raising=False)
    assert ecosystem.main([]) == 2 and "--corpora" in capsys.readouterr().err
    assert ecosystem.main(["no-such-thing", "--corpora", str(tmp_path)]) == 2
    assert "neither a program nor a git revision" in capsys.readouterr().err


def test_a_revision_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*command: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-b", "main")
    (tmp_path / "source.txt").write_text("first")
    git("add", "source.txt")
    git("commit", "-m", "Add")
    (tmp_path / "source.txt").write_text("second")
    monkeypatch.setattr(ecosystem, "ROOT", tmp_path)
    monkeypatch.setattr(ecosystem, "WORK", tmp_path / "target/ecosystem")
    builds = []

    def build(source: Path, target: Path, profile: str) -> None:
        builds.append((source / "source.txt").read_text())
        program = ecosystem.built(target, profile)
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(builds[-1])

    monkeypatch.setattr(ecosystem, "build", build)
    programs = [ecosystem.program(name, "dev") for name in ("main", ".", "HEAD")]
    assert builds == ["first", "second"]
    assert [program.read_text() for program in programs] == ["first", "second", "first"]


def test_real_programs_agree_with_themselves(write, tmp_path: Path, capsys) -> None:
    write("train.jsonl", [example(n, "asistant") for n in range(60)])
    program = shutil.which("tunelint")
    assert program
    code, text = compared(tmp_path, capsys, program, program)
    assert code == 0 and "findings → 6" in text, text
