"""Runs the program and keeps its two channels apart: results on standard output, complaints on standard error."""

from __future__ import annotations

import subprocess
import tempfile
from typing import IO, Iterable, Optional, Sequence, Tuple

from tunelint._binary import find_binary


class Error(Exception):
    """The job could not be done: a wrong option, an unreadable file, a configuration with a mistake.

    The text is what the program says.
    """


def run(arguments: Sequence[str], lines: Optional[Iterable[bytes]] = None) -> Tuple[int, bytes, str]:
    """Runs the program on ``lines`` as its input; returns its exit code, standard output and standard error."""
    # Into files, not pipes: neither side ever waits for the other, however much there is to say.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [find_binary(), *arguments],
            stdin=subprocess.DEVNULL if lines is None else subprocess.PIPE,
            stdout=output,
            stderr=complaints,
        )
        try:
            if lines is not None and process.stdin is not None:
                _feed(process.stdin, lines)
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        output.seek(0)
        complaints.seek(0)
        return code, output.read(), complaints.read().decode("utf-8", "replace").strip()


def _feed(pipe: IO[bytes], lines: Iterable[bytes]) -> None:
    try:
        with pipe:
            for line in lines:
                pipe.write(line)
    except BrokenPipeError:
        pass  # the program has stopped early, and has said why on standard error


def error_of(complaints: str, code: int) -> Error:
    """The exception for exit code 2 and for a program that was killed."""
    text = complaints[len("error: ") :] if complaints.startswith("error: ") else complaints
    return Error(text or f"tunelint ended with exit code {code} and said nothing")
