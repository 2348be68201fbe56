#!/usr/bin/env python3
"""Sets tunelint beside its peers and its floors, and prints the tables of README.md.

usage: table.py [--rows ROW,...] [--data FOLDER] [--tunelint FILE] [--peer FILE] [--rounds N] [--quick] [--memory]

Every figure is of a whole process on a file in the page cache. Rounds are interleaved (each work once, then each again),
so that a busy minute falls on all of them; shown are the median and, in brackets, the least and the most.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

ROWS = {
    "text": "all rules and exact tokens against the notebook with tiktoken",
    "tokens": "tokens alone against tiktoken-rs",
    "untokened": "all rules without tokens against json.loads",
    "small": "the same on short lines",
    "vision": "repeated images against Pillow with a cache",
    "distinct": "images that all differ against the image crate",
    "hook": "a file of twelve lines",
    "generate": "1,500 images against the notebook",
    "threads": "two threads against one, and two busy loops",
    "growth": "time and memory against the size of the file",
    "stages": "where the time of each file goes",
}


@dataclass
class Sample:
    wall: float
    cpu: float
    rss: int
    out: str


def run(command: list[str], keep: bool = False) -> Sample:
    """One process from its start to its end. Findings make `check` end with 1, which is no failure."""
    read, write = os.pipe()
    sink = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, write if keep else sink, 1), (os.POSIX_SPAWN_CLOSE, read)]
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    os.close(write)
    with open(read, "rb") as pipe:
        out = pipe.read()
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    os.close(sink)
    code = os.waitstatus_to_exitcode(status)
    if code != 0 and not (code == 1 and command[1] == "check"):
        raise SystemExit(f"{' '.join(command)} ended with {code}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, out.decode(errors="replace").strip())


def two(command: list[str]) -> float:
    """Two of the same process side by side, until both have ended. Gives the time on the clock."""
    start = time.perf_counter()
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    for process in both:
        process.wait()
    return time.perf_counter() - start


@dataclass
class Times:
    """All rounds of one work."""

    samples: list[Sample] = field(default_factory=list)
    walls: list[float] = field(default_factory=list)

    def add(self, sample: Sample, wall: float) -> None:
        self.samples.append(sample)
        self.walls.append(wall)

    @property
    def wall(self) -> float:
        return statistics.median(self.walls)

    @property
    def best(self) -> float:
        return min(self.walls)

    @property
    def cpu(self) -> float:
        return statistics.median(sample.cpu for sample in self.samples)

    @property
    def rss(self) -> int:
        return max(sample.rss for sample in self.samples)

    def __str__(self) -> str:
        return f"{seconds(self.wall)} ({seconds(self.best)}..{seconds(max(self.walls))})"


def seconds(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.3f} s" if value < 1 else f"{value:.2f} s"


def memory(value: int) -> str:
    """A process starts with the pages of the one that starts it: smaller ones cannot be told apart."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return f"< {own / 1e6 + 1:.0f} MB" if value <= own * 1.05 else f"{value / 1e6:.0f} MB"


def table(*rows: list[str]) -> None:
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows[1:]:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.data: Path = arguments.data.resolve()
        self.data.mkdir(parents=True, exist_ok=True)
        self.tunelint = str(arguments.tunelint.resolve())
        self.rounds: int = arguments.rounds
        self.scale = 0.1 if arguments.quick else 1.0
        self._peer = arguments.peer
        self.lines: list[list[str]] = []
        self.notes: list[str] = []

    # --- what is run

    def peer(self, work: str, file: Path | str) -> list[str]:
        if self._peer is None:
            command = ["cargo", "bench", "--no-run", "--locked", "--bench", "peer", "--message-format=json"]
            built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
            units = [json.loads(line) for line in built.splitlines()]
            self._peer = next(Path(unit["executable"]) for unit in units if unit.get("target", {}).get("name") == "peer" and unit.get("executable"))
        return [str(self._peer), work, str(file)]

    def python(self, work: str, *arguments: Path | str) -> list[str]:
        return [sys.executable, str(HERE / "peers.py"), work, *map(str, arguments)]

    def check(self, file: Path, threads: int, *more: str) -> list[str]:
        return [self.tunelint, "check", "--isolated", "--no-progress", "-j", str(threads), *more, str(file)]

    def vocabularies(self) -> Path:
        """tiktoken's own vocabulary files, which come with tiktoken-rs: nothing is fetched while measuring."""
        metadata = subprocess.run(["cargo", "metadata", "--locked", "--format-version=1"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
        packages = json.loads(metadata.stdout)["packages"]
        return next(Path(package["manifest_path"]).parent / "assets" for package in packages if package["name"] == "tiktoken-rs")

    # --- what it is run on

    def file(self, kind: str, size: int, name: str = "") -> Path:
        """A file of make.py; `size` is of bytes, or of images. What is there is taken as it is."""
        size = int(size * self.scale)
        suffix = "parquet" if kind == "books" else "jsonl"
        path = self.data / f"{name or kind}-{size}.{suffix}"
        if not path.exists():
            say(f"making {path.name}")
            subprocess.run([sys.executable, HERE / "make.py", kind, path, "--bytes", str(size)], check=True)
        warm(path)
        return path

    def lacks(self, row: str, *packages: str) -> bool:
        missing = [package for package in packages if find_spec(package) is None]
        if missing:
            self.notes.append(f"`{row}` was left out: Python here has no {', '.join(missing)}.")
        return bool(missing)

    # --- measuring

    def measure(
        self,
        works: dict[str, list[str]],
        rounds: int | None = None,
        inner: Collection[str] = (),
        before: Callable[[], None] | None = None,
    ) -> dict[str, Times]:
        """Rounds of all works in turn. Those in `inner` tell their own time in their first word."""
        times = {name: Times() for name in works}
        for _ in range(rounds or self.rounds):
            for name, command in works.items():
                if before:
                    before()
                sample = run(command, keep=command[0] in (sys.executable, str(self._peer)))
                times[name].add(sample, float(sample.out.split()[0]) if name in inner else sample.wall)
        return times

    def row(self, work: str, ours: Times, peer: Times | None, target: str, holds: bool | None, peer_name: str, floor: Times | None, floor_name: str) -> None:
        # Where other work shares the cores, time on the processor says more than time on the clock.
        ratio = f"{peer.wall / ours.wall:.2f}x (CPU {peer.cpu / ours.cpu:.2f}x)" if peer else ""
        beside = f"{peer_name}: {peer}" if peer else peer_name
        above = f"{floor_name}: {seconds(floor.wall)}" if floor else ""
        distance = f"{ours.wall / floor.wall:.2f}x" if floor else ""
        rss = memory(ours.rss) + (f" / {memory(peer.rss)}" if peer else "")
        self.lines.append([work, str(ours), seconds(ours.cpu), beside, ratio, target, {None: "", True: "yes", False: "**no**"}[holds], above, distance, rss])

    def compare(self, work: str, ours: Times, peer: Times, least: float | None, peer_name: str, floor: Times | None, floor_name: str = "") -> None:
        """A row; without a `least` ratio it is shown and not judged."""
        holds = None if least is None else peer.wall / ours.wall >= least
        self.row(work, ours, peer, f"{least:g}x" if least else "", holds, peer_name, floor, floor_name)

    def print_rows(self) -> None:
        if self.lines:
            head = ["work", "ours", "CPU", "peer", "ratio", "target", "holds", "floor", "over it", "memory, ours / peer"]
            table(head, *self.lines)
        for note in self.notes:
            print(f"* {note}")
        if self.notes:
            print()
        self.lines, self.notes = [], []

    def bound(self, file: Path, times: Times) -> None:
        """Memory: under 100 MB and three times the longest line."""
        longest = longest_line(file)
        limit = 100_000_000 + 3 * longest
        holds = "holds" if times.rss < limit else "**does not hold**"
        self.notes.append(f"Memory on {file.name}: {memory(times.rss)} of {limit / 1e6:.1f} MB (longest line {longest / 1e6:.3f} MB): {holds}.")

    # --- the rows

    def text(self) -> None:
        if self.lacks("text", "tiktoken", "numpy"):
            return
        file = self.file("text", 209_000_000)
        works = {
            "one": self.check(file, 1),
            "two": self.check(file, 2),
            "notebook": self.python("notebook", file, self.vocabularies()),
            "floor": self.peer("text-floor", file),
        }
        times = self.measure(works, rounds=min(self.rounds, 3))
        name = "cookbook notebook with tiktoken"
        size = f"{file.stat().st_size / 1e6:.0f} MB text"
        self.compare(f"{size}, all rules, o200k tokens, 1 thread", times["one"], times["notebook"], 8, name, times["floor"], "read, parse, tokens")
        self.compare("the same, 2 threads", times["two"], times["notebook"], 14, name, times["floor"], "the same on 1 thread")
        self.bound(file, times["two"])
        verdict = json.loads(run(self.check(file, 2, "--output-format", "json"), keep=True).out)
        mine = verdict["summary"]["files"][0]["tokens"]["total"]
        theirs = int(times["notebook"].samples[0].out.split()[0])
        agreed = "the same as" if mine == theirs else f"**not** the {theirs:,} of"
        self.notes.append(f"Text: {mine:,} tokens, {agreed} the notebook.")

    def tokens(self) -> None:
        for kind, least in (("english", 3), ("code", 3), ("chinese", 1.4)):
            file = self.file(kind, 32_000_000)
            works = {"ours": self.peer("tokens", file), "theirs": self.peer("tiktoken-rs", file)}
            times = self.measure(works, inner={"ours", "theirs"})
            same = len({sample.out.split()[1] for time in times.values() for sample in time.samples if sample.out}) == 1
            self.compare(f"tokens alone, {kind}", times["ours"], times["theirs"], least, "tiktoken-rs", None)
            if not same:
                self.notes.append(f"The counts of {kind} differ: **wrong**.")

    def untokened(self, kind: str = "text", size: int = 209_000_000) -> None:
        file = self.file(kind, size)
        works = {
            "one": self.check(file, 1, "--no-tokens"),
            "two": self.check(file, 2, "--no-tokens"),
            "loads": self.python("loads", file),
            "floor": self.peer("json", file),
            "read": ["cat", str(file)],
        }
        times = self.measure(works)
        name = f"{file.stat().st_size / 1e6:.0f} MB {'text' if kind == 'text' else 'of short lines'} without tokens"
        self.compare(f"{name}, 1 thread", times["one"], times["loads"], None, "json.loads loop", times["floor"], "read, JSON syntax")
        least = 2 if kind == "text" else None
        self.compare("the same, 2 threads", times["two"], times["loads"], least, "json.loads loop", times["read"], "cat")
        self.bound(file, times["two"])

    def small(self) -> None:
        self.untokened("small", 100_000_000)

    def vision(self) -> None:
        if self.lacks("vision", "PIL", "numpy"):
            return
        file = self.file("vision", 300_000_000)
        works = {
            "one": self.check(file, 1),
            "two": self.check(file, 2),
            "pillow": self.python("pillow", file),
            "floor": self.peer("image-floor", file),
            "read": ["cat", str(file)],
        }
        times = self.measure(works)
        name = f"{file.stat().st_size / 1e6:.0f} MB vision, {times['pillow'].samples[0].out.rpartition(',')[0]}"
        floor = "read, base64, entropy of the distinct"
        self.compare(f"{name}, 1 thread", times["one"], times["pillow"], 2, "Pillow with a hash cache", times["floor"], floor)
        self.compare("the same, 2 threads", times["two"], times["pillow"], 2, "Pillow with a hash cache", times["floor"], "the same on 1 thread")
        self.notes.append(f"`cat` of the vision file takes {times['read']}.")
        self.bound(file, times["two"])

    def distinct(self) -> None:
        if self.lacks("distinct", "PIL", "numpy"):
            return
        file = self.file("distinct", 300_000_000)
        works = {
            "one": self.check(file, 1),
            "two": self.check(file, 2),
            "decode": self.peer("decode", file),
            "verdict": self.peer("verdict", file),
            "floor": self.peer("image-floor", file),
        }
        times = self.measure(works)
        count = times["decode"].samples[0].out.split()[1]
        name = f"{file.stat().st_size / 1e6:.0f} MB vision, {count} images, all distinct"
        floor = "read, base64, entropy"
        harness = "image crate in the harness"
        self.compare(f"{name}, 1 thread", times["one"], times["decode"], 3, harness, times["floor"], floor)
        self.compare("verdicts alone, in the harness", times["verdict"], times["decode"], 3, harness, times["floor"], floor)
        self.compare("whole check, 2 threads", times["two"], times["decode"], 3, harness, times["floor"], "the same on 1 thread")
        self.bound(file, times["two"])

    def hook(self) -> None:
        file = self.file("hook", 0)
        start = [self.tunelint, "--version"]
        works = {"tokens": self.check(file, 2), "plain": self.check(file, 2, "--no-tokens"), "start": start}
        times = self.measure(works, rounds=10 * self.rounds)
        for name, key, most in (("tokens", "tokens", 0.020), ("`--no-tokens`", "plain", 0.006)):
            limit = f"under {most * 1000:.0f} ms"
            self.row(f"12 lines, {name}", times[key], None, limit, times[key].wall < most, "", times["start"], "`tunelint --version`")

    def generate(self) -> None:
        if self.lacks("generate", "datasets", "pandas", "PIL", "pyarrow"):
            return
        rows = int(1_500 * self.scale)
        source = self.file("books", 1_500)
        recipe = self.data / "books.toml"
        recipe.write_text(RECIPE.replace("SOURCE", source.name).replace("ROWS", str(rows)))
        ours, theirs = self.data / "books-ours.jsonl", self.data / "books-theirs.jsonl"
        command = [self.tunelint, "generate", str(recipe), "--overwrite", "--no-progress", "-q", "-j"]
        works = {
            "one": [*command, "1"],
            "two": [*command, "2"],
            "notebook": self.python("generate", source, theirs, str(rows)),
            "recode": self.peer("recode", f"{source}.jsonl"),
        }
        times = self.measure(works, rounds=min(self.rounds, 3), before=lambda: remove(ours, theirs))
        run([*command, "2"])
        size = ours.stat().st_size
        works = {"write": ["cp", str(ours), str(theirs)]}
        write = self.measure(works, rounds=len(times["recode"].samples), before=lambda: remove(theirs))["write"]
        floor = Times([Sample(a.wall + b.wall, a.cpu + b.cpu, 0, "") for a, b in zip(times["recode"].samples, write.samples)])
        floor.walls = [sample.wall for sample in floor.samples]
        name = f"`generate`, {rows:,} images, {size / 1e6:.0f} MB"
        self.compare(f"{name}, 1 thread", times["one"], times["notebook"], None, "Python notebook", floor, "recode each once, copy the output")
        self.compare("the same, 2 threads", times["two"], times["notebook"], 5, "Python notebook", floor, "the same on 1 thread")
        most = max(times["one"].rss, times["two"].rss)
        self.notes.append(f"Memory of `generate`: {memory(most)} of 150 MB: {'holds' if most < 150_000_000 else '**does not hold**'}.")
        wrote = times["notebook"].samples[0].out
        self.notes.append(f"The notebook wrote {wrote}; `generate` {size} bytes.")
        remove(ours, theirs)

    def busy(self) -> Iterator[float]:
        """How much two cores give here and now: the work of two busy loops side by side, over that of one."""
        rounds = 200_000_000
        command = self.peer("spin", str(rounds))
        while True:
            one = run(command).wall
            yield 2 * one / two(command)

    def threads(self) -> None:
        self.print_rows()
        head = ["file", "1 thread", "2 threads", "ratio", "of the best", "target", "holds"]
        lines = [[*head, "two busy loops", "two processes", "of the best", "CPU, 1 / 2"]]
        files = [("text", 209_000_000, []), ("text", 209_000_000, ["--no-tokens"]), ("vision", 300_000_000, []), ("distinct", 300_000_000, [])]
        busy = self.busy()
        for kind, size, more in files:
            file = self.file(kind, size)
            loops, pairs = [next(busy)], []
            times = {1: Times(), 2: Times()}
            # Noise comes in gusts of seconds: what takes a fifth of one is measured until it has seen some, and seen none.
            rounds = max(self.rounds, round(12 * self.scale / run(self.check(file, 1, *more)).wall))
            for _ in range(rounds):
                for threads, time_ in times.items():
                    sample = run(self.check(file, threads, *more))
                    time_.add(sample, sample.wall)
                pairs.append(two(self.check(file, 1, *more)))
            loops.append(next(busy))
            one, both = times[1], times[2]
            # What the machine gives to others is missing in the medians, which decide, and not in the best round of each.
            best, best_pair = one.best / both.best, 2 * one.best / min(pairs)
            pairs = [2 * one.wall / pair for pair in pairs]
            ratio = one.wall / both.wall
            # Where not even two processes get two cores, two threads have none to use.
            holds = "yes" if ratio >= 1.75 else "**no**" if statistics.median(pairs) >= 1.9 else "not to be told here"
            loops, pairs = (f"{statistics.median(ratios):.2f}x ({min(ratios):.2f}..{max(ratios):.2f})" for ratios in (loops, pairs))
            row = [" ".join([kind, *more]), str(one), str(both), f"{ratio:.2f}x", f"{best:.2f}x", "1.75x", holds, loops, pairs]
            lines.append([*row, f"{best_pair:.2f}x", f"{seconds(one.cpu)} / {seconds(both.cpu)}"])
        table(*lines)

    def growth(self) -> None:
        self.print_rows()
        lines = [["file", "1x", "2x", "4x", "8x", "2x/1x", "4x/2x", "8x/4x", "memory, 1x..8x"]]
        for kind, unit, more in (("text", 50_000_000, []), ("text", 50_000_000, ["--no-tokens"]), ("vision", 75_000_000, [])):
            whole = self.file(kind, 8 * unit)
            files = [cut(whole, int(unit * self.scale * factor)) for factor in (1, 2, 4)] + [whole]
            times = self.measure({file.name: self.check(file, 2, *more) for file in files})
            walls = [times[file.name].wall for file in files]
            steps = [f"{after / before:.2f}" for before, after in zip(walls, walls[1:])]
            peaks = ", ".join(memory(times[file.name].rss) for file in files)
            name = f"{' '.join([kind, *more])}, 1x = {unit * self.scale / 1e6:.0f} MB, 2 threads"
            lines.append([name, *map(seconds, walls), *steps, peaks])
        table(*lines)

    def stages(self) -> None:
        self.print_rows()
        for kind, size in (("text", 209_000_000), ("small", 100_000_000), ("vision", 300_000_000), ("distinct", 300_000_000)):
            file = self.file(kind, size)
            rounds = []
            for _ in range(3):
                sample = run(self.peer("stages", file), keep=True)
                # The stages are timed by the clock; what other work took from them is given back in proportion.
                share = min(1.0, sample.cpu / sample.wall)
                lines = (line.split(maxsplit=1) for line in sample.out.splitlines())
                rounds.append({name: float(value) * share for value, name in lines})
            parts = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
            whole = self.measure({"check": self.check(file, 1)}, rounds=3)["check"].cpu
            parts["rules, sums of the example, start, output (the rest)"] = max(0.0, whole - sum(parts.values()))
            rows = [[f"{kind}: stage", "CPU", "share"]]
            for name, value in sorted(parts.items(), key=lambda item: -item[1]):
                rows.append([name, seconds(value), f"{value / sum(parts.values()):.0%}"])
            table(*rows, ["whole `check`, 1 thread", seconds(whole), ""])

    def peak(self) -> None:
        """Memory at 200 MB and at 2 GB."""
        self.print_rows()
        lines = [["file", "at 200 MB", "at 2 GB", "limit", "holds", "time, 200 MB / 2 GB"]]
        for kind in ("text", "vision"):
            large = self.file(kind, 2_000_000_000)
            small = cut(large, int(200_000_000 * self.scale))
            samples = {file: run(self.check(file, 2)) for file in (small, large)}
            limit = 100_000_000 + 3 * longest_line(large)
            peaks = [samples[file].rss for file in (small, large)]
            holds = "yes" if max(peaks) < limit else "**no**"
            walls = " / ".join(seconds(samples[file].wall) for file in (small, large))
            lines.append([kind, memory(peaks[0]), memory(peaks[1]), f"{limit / 1e6:.1f} MB", holds, walls])
            remove(small, large)
        table(*lines)


RECIPE = """\
target = "openai"
model = "gpt-4o-2024-08-06"
seed = 42

[sources.books]
path = "SOURCE"

[rows]
shuffle = true
explode = ["questions", "answers"]
rename = { questions = "question", answers = "answer" }

[splits.train]
source = "books"
rows = ROWS
output = "books-ours.jsonl"

[example]
messages = [
  { role = "system", content = [{ text = "Answer the question about the book whose cover is shown." }] },
  { role = "user", content = [{ text = "Question [{{ index }}]: {{ question }}" }, { image = "image" }] },
  { role = "assistant", content = [{ text = "{{ answer }}" }] },
]

[few_shot]
split = "train"
weight = "omit"
examples = [{ row = 0 }, { row = 37 }, { row = 74 }, { row = 111 }, { row = 148 }, { row = 185 }]
messages = [
  { role = "user", content = [{ text = "**Example {{ number }}:** {{ question }}" }, { image = "image" }] },
  { role = "assistant", content = [{ text = "**Conclusion:** {{ answer }}" }] },
]

[images]
reencode = "always"
format = "jpeg"
quality = 50

[output]
json = "python"
"""


def warm(path: Path) -> None:
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def cut(path: Path, size: int) -> Path:
    """The lines at the beginning of a file, up to about `size` bytes."""
    out = path.with_name(f"{path.stem}-first-{size}.jsonl")
    if not out.exists():
        with open(path, "rb") as source, open(out, "wb") as file:
            left = size
            while left > (1 << 20):
                left -= file.write(source.read(1 << 20))
            file.write(source.readline())
    warm(out)
    return out


def longest_line(path: Path) -> int:
    with open(path, "rb") as file:
        return max(map(len, file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help="of " + "; ".join(f"{name}: {what}" for name, what in ROWS.items()))
    parser.add_argument("--data", type=Path, default=ROOT / "target/bench-data", help="where the files are made, once")
    parser.add_argument("--tunelint", type=Path, default=ROOT / "target/release/tunelint")
    parser.add_argument("--peer", type=Path, help="the bench target of that name; built by cargo when left out")
    parser.add_argument("--rounds", type=int, default=5, help="three at most for the slow peers, ten times as many for the hook")
    parser.add_argument("--quick", action="store_true", help="files of a tenth of the size, to try this out; the ratios mean little")
    parser.add_argument("--memory", action="store_true", help="only memory at 200 MB and 2 GB; needs 5 GB of disk")
    arguments = parser.parse_args()
    rows = ["peak"] if arguments.memory else arguments.rows.split(",")
    unknown = set(rows) - ROWS.keys() - {"peak"}
    if unknown:
        parser.error(f"no rows {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    if not arguments.tunelint.exists():
        parser.error(f"{arguments.tunelint} is not there: cargo build --release --locked")
    bench = Bench(arguments)
    before = os.getloadavg()[0]
    for row in rows:
        say(f"row {row}")
        getattr(bench, row)()
    bench.print_rows()
    print(f"Load of the machine, {os.cpu_count()} cores: {before:.1f} before, {os.getloadavg()[0]:.1f} after; 1 is this script's own.")


if __name__ == "__main__":
    main()
