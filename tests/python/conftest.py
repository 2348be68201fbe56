"""Datasets that the tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

ROOT = Path(__file__).resolve().parents[2]


def example(number: int, role: str = "assistant") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": f"Number {number}?"}, {"role": role, "content": f"It is {number}."}]}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes examples as JSONL."""

    def write(name: str, examples: list[dict[str, Any]]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(example) + "\n" for example in examples))
        return path

    return write
