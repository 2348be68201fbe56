#!/usr/bin/env python3
"""What a change does to the findings in real datasets, and to the time it takes: two builds of tunelint, run over one folder.

    python tests/python/ecosystem.py                    what is committed on main, and the working tree
    python tests/python/ecosystem.py OLD NEW            two of: a program, a git revision, `.` for the working tree
    python tests/python/ecosystem.py OLD NEW --corpora DIR --target azure

Exits with 0 when the findings are the same, with 1 when they are not, with 2 when it could not be done: a build, a crash.
Needs Python 3.9 or later, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target/ecosystem"
TARGETS = ("openai", "azure", "together", "fireworks")
# Findings and prices go by the day.
DAY = "1795400000"
# What makes a finding the same one in both builds; all else of it may change.
PLACE = ("code", "path", "line", "column", "pointer")


class Failure(Exception):
    """It could not be done."""


@dataclass
class Difference:
    added: list[dict[str, Any]] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)
    changed: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    # (path or `all files`, key, old, new)
    sums: list[tuple[str, str, Any, Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.sums)


@dataclass
class Outcome:
    """What one build says about the folder."""

    findings: list[dict[str, Any]]
    summary: dict[str, Any]
    # Lines on standard error where it failed, on one line of a dataset or for good.
    failures: list[str]
    seconds: float


def compare(old: Outcome, new: Outcome) -> Difference:
    """Findings are paired by place, in order: a rule may find several faults at one."""
    difference = Difference()
    olds, news = by_place(old.findings), by_place(new.findings)
    for place in dict.fromkeys([*olds, *news]):
        before, after = olds.get(place, []), news.get(place, [])
        for finding in list(before):
            if finding in after:
                before.remove(finding)
                after.remove(finding)
        paired = min(len(before), len(after))
        difference.changed += zip(before, after)
        difference.removed += before[paired:]
        difference.added += after[paired:]
    difference.sums = list(compare_sums(old.summary, new.summary))
    return difference


def by_place(findings: list[dict[str, Any]]) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    places = defaultdict(list)
    for finding in findings:
        places[tuple(finding.get(key) for key in PLACE)].append(finding)
    return places


def compare_sums(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, str, Any, Any]]:
    # `rules` and `fixable` count findings, which are compared one by one.
    whole = [{key: value for key, value in summary.items() if key not in ("type", "files", "rules", "fixable")} for summary in (old, new)]
    parts = [{"all files": own, **{file["path"]: file for file in summary.get("files", [])}} for own, summary in zip(whole, (old, new))]
    for name in dict.fromkeys([*parts[0], *parts[1]]):
        before, after = (dict(flat(part.get(name, {}))) for part in parts)
        for key in dict.fromkeys([*before, *after]):
            if before.get(key) != after.get(key):
                yield name, key, before.get(key), after.get(key)


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value


def run(program: Path, corpus: Path, target: str) -> Outcome:
    """Runs a build over the folder, from within it, so that paths are the same for all."""
    command = [str(program), "check", ".", "--isolated", "--no-progress", "--no-respect-gitignore", "--target", target]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "--output-format", "jsonl"],
        cwd=corpus,
        env={**os.environ, "SOURCE_DATE_EPOCH": DAY, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    seconds = time.perf_counter() - began
    said = done.stderr.decode(errors="replace").splitlines()
    failures: list[str] = []
    if done.returncode not in (0, 1):
        code = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        failures = [*said[-20:], f"{shlex.join(command)}: {code}"]
    try:
        events = [json.loads(line) for line in done.stdout.splitlines()]
    except ValueError as error:
        return Outcome([], {}, [*failures, f"{shlex.join(command)}: its output is no JSON: {error}"], seconds)
    summary = next((event for event in events if event["type"] == "summary"), {})
    if not summary:
        failures = failures or [f"{shlex.join(command)}: no summary"]
    return Outcome([event for event in events if event["type"] == "finding"], summary, failures, seconds)


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def place(finding: dict[str, Any]) -> str:
    at = [finding.get(key) for key in ("line", "column")]
    path = (finding.get("path") or "all files").removeprefix("./")
    return ":".join(str(part) for part in [path, *at] if part is not None)


def show(difference: Difference, examples: int) -> Iterator[str]:
    """By rule, most first; a few examples of each."""
    kinds: list[tuple[str, list[Any]]] = [("added", difference.added), ("removed", difference.removed), ("changed", difference.changed)]
    for kind, all_of_kind in kinds:
        rules: dict[str, list[Any]] = defaultdict(list)
        for item in all_of_kind:
            finding = item[0] if isinstance(item, tuple) else item
            rules[f"{finding['code']} {finding['name']}"].append(item)
        for rule, items in sorted(rules.items(), key=lambda entry: (-len(entry[1]), entry[0])):
            yield f"  {kind:8} {rule:40} {len(items):7,}"
            for item in items[:examples]:
                if isinstance(item, tuple):
                    yield f"    {place(item[0])}"
                    yield from show_change(*item)
                else:
                    yield f"    {place(item)}  {item['severity']}: {item['message']}"
            if len(items) > examples:
                yield f"    … {len(items) - examples:,} more"
    if difference.sums:
        yield f"  {'sums':8} {'':40} {len(difference.sums):7,}"
        for name, key, before, after in difference.sums[:examples]:
            yield f"    {name}  {key}: {json.dumps(before)} → {json.dumps(after)}"
        if len(difference.sums) > examples:
            yield f"    … {len(difference.sums) - examples:,} more"


def show_change(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            for sign, value in (("-", old.get(key)), ("+", new.get(key))):
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                yield f"      {sign} {key}: {text[:300]}"


def program(name: str, profile: str) -> Path:
    """The program that `name` stands for, built where it is a revision; built ones are kept."""
    if name == ".":
        build(ROOT, ROOT / "target", profile)
        return built(ROOT / "target", profile)
    path = Path(name)
    if path.is_file():
        return path.resolve()
    found = subprocess.run(["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"], cwd=ROOT, capture_output=True, text=True)
    if found.returncode != 0:
        raise Failure(f"`{name}` is neither a program nor a git revision")
    folder = WORK / f"{found.stdout.strip()[:12]}-{profile}"
    kept = folder / "tunelint"
    if not kept.exists():
        source = folder / "source"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True)
        with subprocess.Popen(["git", "archive", found.stdout.strip()], cwd=ROOT, stdout=subprocess.PIPE) as archive:
            subprocess.run(["tar", "-x"], cwd=source, stdin=archive.stdout, check=True)
        # One folder for all revisions, so that the dependencies are built once.
        build(source, WORK / "target", profile)
        shutil.copy2(built(WORK / "target", profile), kept)
        shutil.rmtree(source)
    return kept


def build(source: Path, target: Path, profile: str) -> None:
    command = ["cargo", "build", "--locked", "--bin", "tunelint", "--profile", profile, "--target-dir", str(target)]
    if subprocess.run(command, cwd=source).returncode != 0:
        raise Failure(f"{shlex.join(command)} failed in {source}")


def built(target: Path, profile: str) -> Path:
    return target / ("debug" if profile == "dev" else profile) / "tunelint"


def main(arguments: list[str] | None = None) -> int:
    summary, _, more = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(description=summary, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", nargs="?", default="main", metavar="OLD", help="a program, a git revision, or `.` [main]")
    parser.add_argument("new", nargs="?", default=".", metavar="NEW", help="the one to compare with it [.]")
    parser.add_argument("--corpora", type=Path, metavar="DIR", help="the datasets [$TUNELINT_CORPORA/jsonl]")
    parser.add_argument("--target", action="append", metavar="NAME", help=f"again for several [{', '.join(TARGETS)}]")
    parser.add_argument("--examples", type=int, default=3, metavar="N", help="to show of each rule [3]")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each build and target; the fastest counts [3]")
    parser.add_argument("--profile", default="release", help="that cargo builds with [release]")
    options = parser.parse_args(arguments)
    try:
        return report(options)
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def report(options: argparse.Namespace) -> int:
    corpus = options.corpora
    if corpus is None:
        if not os.environ.get("TUNELINT_CORPORA"):
            raise Failure("name the folder of datasets: --corpora DIR, or TUNELINT_CORPORA, whose jsonl/ is taken")
        corpus = Path(os.environ["TUNELINT_CORPORA"]) / "jsonl"
    if not corpus.is_dir():
        raise Failure(f"{corpus}: no such folder")
    names = {"old": options.old, "new": options.new}
    programs = {side: program(name, options.profile) for side, name in names.items()}
    for side, name in names.items():
        print(f"{side}  {'the working tree' if name == '.' else name}")
    print(f"over {corpus}")
    found = {"added": 0, "removed": 0, "changed": 0, "sums": 0}
    spent = dict.fromkeys(names, 0.0)
    shown: dict[str, str] = {}
    failed = False
    for target in options.target or TARGETS:
        fastest: dict[str, Outcome] = {}
        # By turns, so that what slows the machine down for a while slows both.
        for _ in range(max(options.runs, 1)):
            for side in names:
                outcome = run(programs[side], corpus, target)
                if side not in fastest or outcome.seconds < fastest[side].seconds:
                    fastest[side] = outcome
        old, new = fastest["old"], fastest["new"]
        for side, outcome in fastest.items():
            spent[side] += outcome.seconds
        print(f"\n{target}: {count(len(old.findings), 'finding')} → {len(new.findings):,}, {old.seconds:.2f} s → {new.seconds:.2f} s")
        for side, outcome in fastest.items():
            failed |= bool(outcome.failures)
            for line in outcome.failures:
                print(f"  {side} FAILED: {line}")
        if not (old.summary and new.summary):
            print("  not compared")
            continue
        difference = compare(old, new)
        for kind in found:
            found[kind] += len(getattr(difference, kind))
        lines = "\n".join(show(difference, options.examples)) or "  no difference"
        # Most changes show at every target in the same way, and are read once.
        print(f"  as at {shown[lines]}" if difference and lines in shown else lines)
        shown.setdefault(lines, target)
    told = ", ".join(f"{number:,} {kind}" for kind, number in found.items() if number) or "no difference"
    pace = f" ({spent['new'] / spent['old'] - 1:+.0%})" if spent["old"] else ""
    print(f"\n{told}; {spent['old']:.2f} s → {spent['new']:.2f} s{pace}{'; A BUILD FAILED' if failed else ''}")
    return 2 if failed else int(any(found.values()))


if __name__ == "__main__":
    sys.exit(main())
