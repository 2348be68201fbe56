"""The pre-commit hooks, in real commits. The wheel comes from TUNELINT_DIST, and nothing else from anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, example

MIRROR = ROOT / "python/pre-commit"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
    return {
        **own,
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(home / "cache"),
        "PIP_FIND_LINKS": os.environ["TUNELINT_DIST"],
        "PIP_NO_INDEX": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": f"{who}@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }


def run(environment: dict[str, str], folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def must(environment: dict[str, str], folder: Path, *command: str) -> str:
    done = run(environment, folder, *command)
    assert done.returncode == 0, done.stdout
    return done.stdout


def repository(environment: dict[str, str], folder: Path, *files: Path) -> Path:
    folder.mkdir()
    must(environment, folder, "git", "init", "-q", "-b", "main")
    for file in files:
        shutil.copy(file, folder)
    if files:
        must(environment, folder, "git", "add", "-A")
        must(environment, folder, "git", "commit", "-q", "-m", "Add hooks")
        must(environment, folder, "git", "tag", "v0.1.0")
    return folder


@pytest.fixture(scope="module")
def mirror(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repositories") / "tunelint-pre-commit"
    return repository(environment, folder, MIRROR / ".pre-commit-hooks.yaml", MIRROR / "pyproject.toml")


def write(path: Path, role: str = "assistant") -> None:
    import json

    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(example(n, role)) + "\n" for n in range(60)))


def configure(folder: Path, repo: Path, *hooks: str) -> None:
    listed = "".join(f"      - id: {hook}\n" for hook in hooks)
    (folder / ".pre-commit-config.yaml").write_text(f"repos:\n  - repo: {repo}\n    rev: v0.1.0\n    hooks:\n{listed}")


@pytest.mark.parametrize("manifest", [ROOT / ".pre-commit-hooks.yaml", MIRROR / ".pre-commit-hooks.yaml"])
def test_manifests_are_valid(environment: dict[str, str], manifest: Path) -> None:
    must(environment, ROOT, "pre-commit", "validate-manifest", str(manifest))


def test_a_bad_dataset_is_not_committed(environment: dict[str, str], mirror: Path, tmp_path: Path) -> None:
    folder = repository(environment, tmp_path / "project")
    configure(folder, mirror, "tunelint")
    must(environment, folder, "pre-commit", "install")
    write(folder / "train.jsonl", "asistant")
    must(environment, folder, "git", "add", "-A")
    refused = run(environment, folder, "git", "commit", "-m", "Add data")
    assert refused.returncode == 1 and "M003" in refused.stdout, refused.stdout
    assert "did you mean `assistant`?" in refused.stdout

    write(folder / "train.jsonl")
    (folder / "notes.json").write_text("not JSON, and none of its business")
    must(environment, folder, "git", "add", "-A")
    passed = must(environment, folder, "git", "commit", "-m", "Add data")
    assert "tunelint....." in passed and "Passed" in passed, passed

    # What pre-commit takes for binary, and what it knows no type of.
    (folder / "wide.jsonl").write_text((folder / "train.jsonl").read_text(), encoding="utf-16")
    must(environment, folder, "git", "add", "-A")
    refused = run(environment, folder, "git", "commit", "-m", "Add wide data")
    assert refused.returncode == 1 and "UTF-16" in refused.stdout, refused.stdout

    # Files are named one by one, and what the configuration leaves out stays out.
    (folder / "tunelint.toml").write_text('exclude = ["wide.jsonl"]\n')
    must(environment, folder, "git", "add", "-A")
    must(environment, folder, "git", "commit", "-m", "Leave it out")


def test_try_repo_checks_what_the_configuration_names(environment: dict[str, str], mirror: Path, tmp_path: Path) -> None:
    folder = repository(environment, tmp_path / "project")
    write(folder / "data/train.jsonl", "asistant")
    (folder / ".gitignore").write_text("data/\n")
    (folder / "tunelint.toml").write_text('include = ["data/train.jsonl"]\n')
    must(environment, folder, "git", "add", "-A")
    tried = run(environment, folder, "pre-commit", "try-repo", str(mirror), "tunelint-config", "--all-files", "--verbose")
    assert tried.returncode == 1 and "data/train.jsonl" in tried.stdout and "M003" in tried.stdout, tried.stdout
    write(folder / "data/train.jsonl")
    must(environment, folder, "pre-commit", "try-repo", str(mirror), "tunelint-config", "--all-files")


def test_cargo_builds_the_hooks(environment: dict[str, str], tmp_path: Path) -> None:
    # A clone takes minutes to build. What pre-commit asks of cargo is asked here of the sources that it would clone, which are
    # built already; all else is as it will be.
    cargo = shutil.which("cargo")
    assert cargo
    stub = tmp_path / "bin/cargo"
    stub.parent.mkdir()
    stub.write_text(
        f"""#!/usr/bin/env bash
        case "$*" in
          --version) exec {cargo} --version ;;
          "install --bins --root "*" --path .") exec {cargo} install --bins --root "$4" --locked --offline --path {ROOT} ;;
          *) echo "not expected: cargo $*" >&2; exit 1 ;;
        esac
        """
    )
    stub.chmod(0o755)
    rust = {name: os.environ.get(name, str(Path.home() / folder)) for name, folder in (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"))}
    environment = {**environment, **rust, "PATH": f"{stub.parent}{os.pathsep}{environment['PATH']}"}

    hooks = repository(environment, tmp_path / "tunelint", ROOT / ".pre-commit-hooks.yaml")
    folder = repository(environment, tmp_path / "project")
    configure(folder, hooks, "tunelint", "tunelint-config")
    must(environment, folder, "pre-commit", "install")
    (folder / "tunelint.toml").write_text('include = ["data"]\n')
    write(folder / "data/train.jsonl", "asistant")
    must(environment, folder, "git", "add", "-A")
    refused = run(environment, folder, "git", "commit", "-m", "Add data")
    assert refused.returncode == 1 and refused.stdout.count("error[M003]") == 10, refused.stdout
    write(folder / "data/train.jsonl")
    must(environment, folder, "git", "add", "-A")
    passed = must(environment, folder, "git", "commit", "-m", "Add data")
    assert passed.count("Passed") == 2, passed
    # It stands before the one of the wheel on the path of a hook.
    assert len(list(Path(environment["PRE_COMMIT_HOME"]).glob("repo*/rustenv-system/bin/tunelint"))) == 1


def test_the_installed_program_needs_no_environment(environment: dict[str, str], tmp_path: Path) -> None:
    hooks = repository(environment, tmp_path / "tunelint", ROOT / ".pre-commit-hooks.yaml")
    folder = repository(environment, tmp_path / "project")
    configure(folder, hooks, "tunelint-system")
    write(folder / "train.jsonl", "asistant")
    must(environment, folder, "git", "add", "-A")
    refused = run(environment, folder, "pre-commit", "run")
    assert refused.returncode == 1 and "M003" in refused.stdout, refused.stdout
    write(folder / "train.jsonl")
    must(environment, folder, "git", "add", "-A")
    must(environment, folder, "pre-commit", "run")
