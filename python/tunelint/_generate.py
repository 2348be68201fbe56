"""``tunelint.generate``: a dataset from a recipe."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from typing import Any, Dict, Union

from tunelint._run import error_of, run


@dataclasses.dataclass(frozen=True)
class Generated:
    """What a recipe came to."""

    #: Whether the dataset that was written is free of what its target refuses.
    ok: bool
    #: What ``tunelint generate --output-format json`` says.
    summary: Dict[str, Any]


def generate(recipe: Union[str, "os.PathLike[str]"], *arguments: Union[str, "os.PathLike[str]"]) -> Generated:
    """Builds the dataset that ``recipe`` describes; ``arguments`` are further ones of the command line.

    Raises:
        FileNotFoundError: the recipe is not there.
        Error: the dataset could not be built; the text says why.
    """
    path = os.fspath(recipe)
    if not os.path.exists(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    command = ["generate", path, "--output-format", "json", *(os.fspath(argument) for argument in arguments)]
    code, output, complaints = run(command)
    if code not in (0, 1):
        raise error_of(complaints, code)
    return Generated(code == 0, json.loads(output))
