"""``python -m tunelint``: the program itself, with the arguments as they are."""

from __future__ import annotations

import os
import sys

from tunelint._binary import find_binary


def main() -> None:
    """Becomes the program: signals and exit code are its own."""
    try:
        binary = find_binary()
    except FileNotFoundError as error:
        sys.exit(f"error: {error}")
    os.execv(binary, [binary, *sys.argv[1:]])


if __name__ == "__main__":
    main()
