"""``tunelint.check``: files, or examples in memory."""

from __future__ import annotations

import errno
import itertools
import json
import os
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Union

from tunelint._report import Report
from tunelint._run import error_of, run

Path = Union[str, "os.PathLike[str]"]
Rules = Union[str, Iterable[str]]
Dataset = Union[Path, Iterable[Path], Iterable[Mapping[str, Any]]]


def check(
    data: Dataset,
    *,
    target: Optional[str] = None,
    model: Optional[str] = None,
    method: Optional[str] = None,
    epochs: Optional[int] = None,
    select: Rules = (),
    extend_select: Rules = (),
    ignore: Rules = (),
    images: Optional[str] = None,
    tokens: bool = True,
    fail_on: Optional[str] = None,
    config: Union[Path, Mapping[str, Any], None] = None,
    isolated: bool = False,
    baseline: Optional[Path] = None,
    threads: Optional[int] = None,
    name: Optional[Path] = None,
) -> Report:
    """Checks datasets for what their target would refuse, drop, cut or charge for.

    Args:
        data: a path, several, or examples as dictionaries: a list, a generator, a ``datasets.Dataset``. Examples are
            written as JSON and piped to the program one by one.
        target: where the dataset is bound for: ``openai``, ``azure``, ``together``, ``fireworks``, or a ``.toml`` file.
        model: the model to be trained.
        method: ``sft``, ``dpo``, ``rft``, ``completions``, ``text`` or ``auto``.
        epochs: epochs to price.
        select: only these rules: codes, beginnings of codes, names, or ``ALL``.
        extend_select: these rules too.
        ignore: not these rules.
        images: how much to look at in images: ``none``, ``header`` or ``full``.
        tokens: whether to count tokens.
        fail_on: the least severity that makes ``ok`` false: ``error``, ``warning`` or ``info``.
        config: a configuration file, or settings that outweigh it, by the names they have there.
        isolated: read no configuration file.
        baseline: a file of findings that are known.
        threads: threads to work on.
        name: what to call examples in memory; the configuration is looked up for it.

    Raises:
        FileNotFoundError: a path is not there.
        Error: the job could not be done; the text says why.
        TypeError: an example cannot be written as JSON.
    """
    arguments = ["check", "--output-format", "json", "--no-progress"]
    for flag, value in (
        ("target", target),
        ("model", model),
        ("method", method),
        ("epochs", epochs),
        ("images", images),
        ("fail-on", fail_on),
        ("baseline", baseline),
        ("threads", threads),
    ):
        if value is not None:
            arguments.append(f"--{flag}={os.fspath(value) if isinstance(value, os.PathLike) else value}")
    for flag, rules in (("select", select), ("extend-select", extend_select), ("ignore", ignore)):
        named = [rules] if isinstance(rules, str) else list(rules)
        if named:
            arguments.append(f"--{flag}={','.join(named)}")
    if not tokens:
        arguments.append("--no-tokens")
    if isolated:
        arguments.append("--isolated")
    arguments.extend(_configuration(config))

    lines: Optional[Iterator[bytes]] = None
    paths = _paths(data)
    if isinstance(paths, list):
        for path in paths:
            if not os.path.exists(path):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        arguments.extend(["--", *paths])
    else:
        lines = _lines(paths)
        arguments.extend([f"--stdin-filename={os.fspath(name or '<examples>')}", "-"])
    code, output, complaints = run(arguments, lines)
    if code not in (0, 1):
        raise error_of(complaints, code)
    return Report.from_json(json.loads(output), ok=code == 0)


def _configuration(config: Union[Path, Mapping[str, Any], None]) -> List[str]:
    if config is None:
        return []
    if not isinstance(config, Mapping):
        return [f"--config={os.fspath(config)}"]
    return [f"--config={key}={toml(value)}" for key, value in config.items()]


def toml(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return json.dumps(value)
    if isinstance(value, os.PathLike):
        return json.dumps(os.fspath(value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(toml, value)) + "]"
    raise TypeError(f"a setting cannot be a {type(value).__name__}")


def _paths(data: Dataset) -> Union[List[str], Iterator[Any]]:
    """The paths that ``data`` names, or an iterator over its examples."""
    if isinstance(data, (str, os.PathLike)):
        return [os.fspath(data)]
    if isinstance(data, Mapping):
        raise TypeError("one example is no dataset; for a list of one, write [example]")
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        raise TypeError("a data frame is not read by itself; write check(frame.to_dict('records'))")
    items: Iterator[Any] = iter(data)
    nothing = object()
    first = next(items, nothing)
    if first is nothing:
        return iter(())
    items = itertools.chain([first], items)
    if not isinstance(first, (str, os.PathLike)):
        return items
    paths = list(items)
    if not all(isinstance(path, (str, os.PathLike)) for path in paths):
        raise TypeError("paths and examples cannot be mixed")
    return [os.fspath(path) for path in paths]


def _lines(examples: Iterator[Any]) -> Iterator[bytes]:
    for number, example in enumerate(examples, 1):
        if not isinstance(example, Mapping):
            raise TypeError(f"example {number} is a {type(example).__name__}; a dictionary or a path is wanted")
        as_dict: Dict[str, Any] = dict(example)
        try:
            text = json.dumps(as_dict, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise TypeError(f"example {number} cannot be written as JSON: {error}") from error
        try:
            yield text.encode() + b"\n"
        except UnicodeEncodeError:
            # A lone surrogate, which only an escape can write; the program says where.
            yield json.dumps(as_dict).encode() + b"\n"
