"""The GitHub action: its form, and its steps run as a runner would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tunelint
import yaml
from conftest import ROOT, example

ACTION = ROOT / "action.yml"


def test_its_form_is_valid() -> None:
    subprocess.run(["check-jsonschema", "--builtin-schema", "vendor.github-actions", ACTION], check=True)


def test_it_can_be_trusted() -> None:
    done = subprocess.run(["zizmor", "--offline", "--no-progress", "--persona=pedantic", ACTION], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_inputs_never_become_code() -> None:
    for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]:
        assert "${{" not in step["run"], step["name"]


def runner(tmp_path: Path, folder: Path, **inputs: str) -> tuple[int, str, dict[str, str], str]:
    """Runs the steps; returns exit code, log, outputs and the summary."""
    action = yaml.safe_load(ACTION.read_text())
    values = {name: given.get("default", "") for name, given in action["inputs"].items()}
    values |= {name.replace("_", "-"): value for name, value in inputs.items()}
    temporary = tmp_path / "runner"
    temporary.mkdir()
    known = {f"inputs.{name}": value for name, value in values.items()} | {"github.action_path": str(ROOT)}
    summary, log, code = temporary / "summary.md", "", 0
    outputs: dict[str, str] = {}
    for step in action["runs"]["steps"]:
        output = temporary / f"output-{step['id']}"
        output.touch()
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(temporary),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "NO_COLOR": "1",
        }
        for name, value in step["env"].items():
            environment[name] = known[value.removeprefix("${{").removesuffix("}}").strip()]
        script = temporary / "script.sh"
        script.write_text(step["run"])
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", script]
        done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        log += done.stdout
        for line in output.read_text().splitlines():
            key, _, value = line.partition("=")
            known[f"steps.{step['id']}.outputs.{key}"] = outputs[key] = value
        code = done.returncode
        if code != 0:
            break
    return code, log, outputs, summary.read_text() if summary.exists() else ""


def test_its_steps_do_what_they_say(write, tmp_path: Path) -> None:
    write("data/train set.jsonl", [example(n) for n in range(59)] + [example(59, "asistant")])
    write("data/good.jsonl", [example(n) for n in range(60)])
    code, log, outputs, summary = runner(tmp_path, tmp_path, version="installed", paths="data/train set.jsonl\ndata/good.jsonl\n", sarif="true")
    assert code == 1, log
    assert "::error file=data/train set.jsonl,line=60" in log
    assert outputs["errors"] == "1" and outputs["verdict"] == "rejected"
    report = json.loads(Path(outputs["report-path"]).read_text())
    assert report["schema"] == "tunelint/findings@1" and len(report["summary"]["files"]) == 2
    assert json.loads(Path(outputs["sarif-path"]).read_text())["version"] == "2.1.0"
    assert "unknown-role" in summary


def test_inputs_reach_the_program(write, tmp_path: Path) -> None:
    write("train.jsonl", [example(n) for n in range(59)] + [example(59, "asistant")])
    (tmp_path / "tunelint.toml").write_text('include = ["train.jsonl"]\n')
    code, log, outputs, _ = runner(tmp_path, tmp_path, version="installed", target="azure", arguments="--ignore=M003\n--no-tokens\n")
    assert code == 0, log
    assert outputs["errors"] == "0" and "sarif-path" not in outputs
    assert json.loads(Path(outputs["report-path"]).read_text())["target"] == "azure"


def test_what_cannot_be_done_fails_the_step(tmp_path: Path) -> None:
    code, log, outputs, _ = runner(tmp_path, tmp_path, version="installed", paths="missing.jsonl; touch pwned\n$(touch pwned)")
    assert code == 2 and "no such file" in log, log
    assert "report-path" not in outputs and not (tmp_path / "pwned").exists()
