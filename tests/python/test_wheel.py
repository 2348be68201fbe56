"""The wheel's bill of materials: what is linked in, by the words of cargo."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import tomllib
from typing import Any
from urllib.parse import unquote

import pytest
from conftest import ROOT
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    (path,) = [path for path in importlib.metadata.files("tunelint") or [] if path.match("tunelint-*.dist-info/sboms/*")]
    assert path.name == "tunelint.cyclonedx.json"
    return json.loads(path.read_text())


def test_it_is_cyclonedx(bill: dict[str, Any]) -> None:
    validator = JsonStrictValidator(SchemaVersion.from_version(bill["specVersion"]))
    assert bill["bomFormat"] == "CycloneDX" and validator.validate_str(json.dumps(bill)) is None
    assert validator.validate_str(json.dumps({**bill, "components": [{"type": "library"}]})) is not None


def words(licence: str) -> list[str]:
    # `MIT/Apache-2.0` is how crates said `MIT OR Apache-2.0` once.
    return sorted(re.findall(r"[A-Za-z0-9.-]+", licence.replace("/", " OR ")))


def test_it_names_what_is_linked_in(bill: dict[str, Any]) -> None:
    command = ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"]
    tree = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    linked = {}
    for line in tree.splitlines():
        package, _, licence = line.partition("|")
        name, version, *_ = package.split()
        linked[name, version.removeprefix("v")] = words(licence)
    assert len(linked) > 100 and ("serde_json" in {name for name, _ in linked})

    own = bill["metadata"]["component"]
    named = {(part["name"], part["version"]): part for part in [own, *bill["components"]]}
    assert {part: words(" ".join(one["expression"] for one in named[part]["licenses"])) for part in linked} == linked
    assert (own["name"], own["version"]) == ("tunelint", importlib.metadata.version("tunelint"))
    assert not {"proptest", "trycmd"} & {name for name, _ in named}, "what only the tests need is not in the program"

    # That each is what the lock file holds.
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    sums = {(package["name"], package["version"]): package.get("checksum") for package in lock}
    for part, component in named.items():
        assert unquote(component["purl"]).partition("?")[0] == f"pkg:cargo/{part[0]}@{part[1]}"
        assert [entry["content"] for entry in component.get("hashes", [])] == [checksum for checksum in [sums[part]] if checksum]
