"""Where the program is."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Iterator


def find_binary() -> str:
    """The path of the ``tunelint`` program.

    The one that was installed with this package is preferred to another one on ``PATH``. ``TUNELINT_BINARY`` names one
    outright.

    Raises:
        FileNotFoundError: there is none.
    """
    named = os.environ.get("TUNELINT_BINARY")
    if named:
        if not os.access(named, os.X_OK):
            raise FileNotFoundError(f"TUNELINT_BINARY names no program: {named}")
        return named
    name = "tunelint" + (sysconfig.get_config_var("EXE") or "")
    looked_in = list(_folders())
    for folder in looked_in:
        path = folder / name
        if path.is_file():
            return str(path)
    on_path = shutil.which("tunelint")
    if on_path is not None:
        return on_path
    folders = ", ".join(str(folder) for folder in looked_in)
    raise FileNotFoundError(f"the tunelint program is not installed; looked in {folders} and on PATH")


def _folders() -> Iterator[Path]:
    """Where installers put programs: of this environment, of this package's, of the user."""
    yield Path(sysconfig.get_path("scripts"))
    package = Path(__file__).resolve().parent
    # `pip install --target DIR` puts them into DIR/bin; with `--prefix DIR` they are in DIR/bin, this is under DIR/lib.
    yield package.parent / "bin"
    if len(package.parents) > 3:
        yield package.parents[3] / "bin"
    if sys.version_info >= (3, 10):
        yield Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    else:
        yield Path(sysconfig.get_path("scripts", "posix_user" if os.name == "posix" else "nt_user"))
