"""``tunelint.generate``: a dataset from a recipe."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from typing import Any, Dict, Mapping, Optional, Union

from tunelint._check import toml
from tunelint._run import error_of, run

Path = Union[str, "os.PathLike[str]"]


@dataclasses.dataclass(frozen=True)
class Generated:
    """What a recipe came to."""

    #: Whether the target would take what was made; if not, nothing was written.
    ok: bool
    #: ``splits``, ``files``, ``rules``, ``skipped``, … as in the JSON output; empty where nothing was written.
    summary: Dict[str, Any]
    #: What the program says beside it, such as what would be refused.
    message: str


def generate(
    recipe: Path,
    *,
    output_dir: Optional[Path] = None,
    overwrite: bool = False,
    dry_run: bool = False,
    settings: Optional[Mapping[str, Any]] = None,
) -> Generated:
    """Builds the datasets that ``recipe`` describes.

    Args:
        recipe: the recipe, a TOML file.
        output_dir: the folder of the files; the recipe's when left out.
        overwrite: replace files that are there, once the new ones are whole.
        dry_run: make and check everything, write nothing.
        settings: laid over the recipe, with dots for tables: ``{"rows.sample": 100}``.

    Raises:
        FileNotFoundError: the recipe is not there.
        Error: the dataset could not be built; the text says why.
    """
    path = os.fspath(recipe)
    if not os.path.exists(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    arguments = ["generate", "--output-format", "json", "--no-progress"]
    if output_dir is not None:
        arguments.append(f"--output-dir={os.fspath(output_dir)}")
    if overwrite:
        arguments.append("--overwrite")
    if dry_run:
        arguments.append("--dry-run")
    arguments.extend(f"--set={key}={toml(value)}" for key, value in (settings or {}).items())
    code, output, complaints = run([*arguments, "--", path])
    if code not in (0, 1):
        raise error_of(complaints, code)
    return Generated(code == 0, json.loads(output) if output.strip() else {}, complaints)
