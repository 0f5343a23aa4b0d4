"""Contenders take turns: A B C, B C A, …; each in a process of its own, each turn one sample."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DEADLINE = 90.0  # seconds one sample may take before its contender is given up


class Absent(Exception):
    """A contender cannot take part; the message says why."""


@dataclass(frozen=True)
class Sample:
    """What some operations cost together."""

    wall: float
    cpu: float
    units: int  # operations, or whatever the operation says it did: keys, bytes
    grown: int  # bytes that the resident set grew by at its highest

    @property
    def wall_us(self) -> float:
        return self.wall / self.units * 1e6

    @property
    def cpu_us(self) -> float:
        return self.cpu / self.units * 1e6

    @property
    def rate(self) -> float:
        return self.units / self.wall

    @property
    def seconds(self) -> float:
        return self.wall

    @property
    def grown_mib(self) -> float:
        return self.grown / (1 << 20)


class Worker:
    """A running contender."""

    def __init__(self, python: Path, module: str, config: Mapping[str, Any], paths: Sequence[Path] = ()) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT])), "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.worker", module, json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            text=True,
        )
        try:
            self.offers: list[str] = self._answer()["offers"]
        except Absent:
            self.close()
            raise

    def sample(self, operation: str, count: int) -> Sample:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"operation": operation, "count": count}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Absent(f"its process ended: {error}") from error
        return Sample(**self._answer())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            if not waiting.select(DEADLINE):
                self._process.kill()
                raise Absent(f"no answer within {DEADLINE:.0f} s")
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"its process ended: {self._last_words()}"}
        if "error" in answer:
            raise Absent(answer["error"])
        return dict(answer)

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-300:]


@dataclass(frozen=True)
class Contender:
    """A name in the table, and the operation of a worker that stands behind it."""

    name: str
    worker: Worker
    operation: str


Rounds = dict[str, list[Sample]]


def contest(
    contenders: Sequence[Contender], *, rounds: int, seconds: float = 0.0, count: int = 1
) -> tuple[Rounds, dict[str, str]]:
    """Let all take turns; each repeats its operation for about so many seconds a turn, or exactly `count` times.

    Returns the samples, and for those that failed the reason.
    """
    counts: dict[str, int] = {}
    failed: dict[str, str] = {}
    for one in contenders:
        with _noting(one, failed):
            counts[one.name] = _calibrate(one, seconds) if seconds else count
    samples: Rounds = {one.name: [] for one in contenders if one.name in counts}
    for turn in range(rounds):
        start = turn % max(1, len(contenders))
        for one in [*contenders[start:], *contenders[:start]]:
            if one.name not in failed:
                with _noting(one, failed):
                    samples[one.name].append(one.worker.sample(one.operation, counts[one.name]))
    return {name: taken for name, taken in samples.items() if name not in failed}, failed


@contextlib.contextmanager
def _noting(contender: Contender, failed: dict[str, str]):  # noqa: ANN202 - a generator of nothing
    try:
        yield
    except Absent as why:
        failed[contender.name] = str(why)


def _calibrate(contender: Contender, seconds: float) -> int:
    """Warm up, and find how often the operation fits into the time."""
    count = 1
    while True:
        wall = contender.worker.sample(contender.operation, count).wall
        if wall >= seconds / 4 or count >= 1 << 20:
            return max(1, int(count * seconds / max(wall, 1e-6)))
        count *= 4
