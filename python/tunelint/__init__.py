"""Lints, prices and builds fine-tuning datasets (JSONL) before anyone pays to train on them.

>>> import tunelint
>>> report = tunelint.check("train.jsonl", target="azure")
>>> report.ok, report.verdict

The work is done by the ``tunelint`` program that this package brings; everything here runs it and reads what it says.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from tunelint._binary import find_binary
from tunelint._check import check
from tunelint._generate import Generated, generate
from tunelint._report import Finding, Findings, Report
from tunelint._run import Error

__all__ = ["Error", "Finding", "Findings", "Generated", "Report", "check", "find_binary", "generate"]

try:
    __version__ = version("tunelint")
except PackageNotFoundError:  # run from a clone that is not installed
    __version__ = "unknown"
