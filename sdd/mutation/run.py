"""Mutation testing of the kernel: ``python -m sdd.mutation.run`` (``--only TEXT``, ``--tests FILE``, ``--sample N``).

Each mutant is a small mistake in one function (``mutants.py``). The fast tests run once under a tracer, which says
which of them run which line; then every mutant gets a forked process, where its function's code is exchanged and
those tests run until one fails. A mutant that no test notices has survived: it is a hole in the tests, or it changes
nothing that anybody could see, and then ``survivors.toml`` says why. The command fails on any other survivor, and on
a row there whose mutant is gone or is noticed by now.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import signal
import sys
import threading
import time
import tomllib
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple, Self

import pytest
from _pytest.runner import runtestprotocol

from sdd.mutation.mutants import Module, Mutant

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "src" / "remote_store"
KERNEL = ("_glob.py", "_io.py", "_source.py", "_stack.py", "_streams.py", "path.py", "_ops/*.py")
"""What is changed."""
TESTS = (
    "tests/unit",
    "tests/faces",
    *[
        f"tests/backends/test_conformance.py::Test{name}"
        for name in ("Memory", "Local", "SlimFlat", "SlimHierarchical", "Readable")
    ],
    "tests/backends/test_local_root.py",
    "tests/bad_input/test_arguments.py",
    "tests/bad_input/test_setting_up.py",
)
"""What has to notice: the part of the suite that needs no server."""
SLOW = (
    "tests/unit/test_report.py",
    "tests/unit/test_growth.py",
    "tests/unit/test_state.py",
)
"""Tests of memory, time and processes, which say nothing more about single lines."""
PATIENCE = 30.0
"""Seconds of traced tests for one mutant; without the tracer they take a fraction of it."""
HANG = 10.0
"""Seconds beyond four times its own after which a test hangs, which is a way to notice a mistake, too."""
SCORE = HERE / "score.json"
NOTICED, SURVIVED, HUNG, UNSEEN = "noticed", "survived", "hung", "no test runs it"


class Seen(NamedTuple):
    """A test and what it did."""

    item: pytest.Item
    seconds: float
    lines: frozenset[tuple[str, int]]


def modules() -> dict[str, Module]:
    """Return the modules of the kernel by their paths."""
    paths = [path for pattern in KERNEL for path in sorted(PACKAGE.glob(pattern)) if path.name != "__init__.py"]
    return {str(path): Module(str(path.relative_to(PACKAGE)), path.read_text("utf-8")) for path in paths}


def explained() -> dict[str, str]:
    """Return the mutants that may survive, and why."""
    rows: list[Any] = tomllib.loads((HERE / "survivors.toml").read_text("utf-8")).get("survivors", [])
    return {mutant: row["why"] for row in rows for mutant in row["mutants"]}


class Tracer:
    """Notes which lines of some files run, in all threads."""

    def __init__(self, files: set[str]) -> None:
        self._files = files
        self.lines: set[tuple[str, int]] = set()

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        name = frame.f_code.co_filename
        if name not in self._files:
            return None
        lines = self.lines

        def note(frame: FrameType, *_: object) -> Any:
            lines.add((name, frame.f_lineno))
            return note

        return note(frame, event, argument)

    def __enter__(self) -> Self:
        threading.settrace(self)
        sys.settrace(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)


class Run:
    """The plugin of pytest that does it all in place of its loop over the tests."""

    def __init__(self, only: str, sample: int, seed: int, jobs: int) -> None:
        self.modules = modules()
        every = [(path, mutant) for path, module in self.modules.items() for mutant in module.mutants]
        self.chosen = [(path, mutant) for path, mutant in every if only in mutant.name]
        self.fair = len(self.chosen) == len(every)
        """Whether the score says something of the whole kernel: all mutants, or a sample of all of them."""
        if sample and sample < len(self.chosen):
            self.chosen = random.Random(seed).sample(self.chosen, sample)  # noqa: S311 - no secret
        self._jobs = jobs
        self.results: dict[str, str] = {}
        self.finders: dict[str, str] = {}
        """For each mutant the test that noticed it."""
        self.broken: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Trace all tests, then try all mutants."""
        seen = self._trace(session.items)
        settle(seen[0].item)
        unfit = without_mistake([test.item for test in seen])
        self.broken += sorted(unfit)
        seen = [test for test in seen if test.item.nodeid not in unfit]
        self._prove_sound(seen)
        say(f"{len(seen)} tests in {sum(test.seconds for test in seen):.0f} s; {len(self.chosen)} mutants")
        by_line: dict[tuple[str, int], list[Seen]] = {}
        for test in seen:
            for line in test.lines:
                by_line.setdefault(line, []).append(test)
        self._functions = live(set(self.modules))
        self._began = time.monotonic()
        running: dict[int, tuple[Mutant, int]] = {}
        for number, (path, mutant) in enumerate(self.chosen, 1):
            if number % 100 == 0:
                self._prove_sound(seen)
            tests = chosen_tests(path, mutant, by_line)
            code = self.modules[path].code(mutant, path) if tests else None
            if code is None:
                self._note(mutant, UNSEEN)
                continue
            while len(running) >= self._jobs:
                self._reap(running)
            reading, writing = os.pipe()
            if not (pid := os.fork()):
                attempt(self._functions[path, mutant.function, mutant.first], code, tests, writing)
            os.close(writing)
            running[pid] = (mutant, reading)
        while running:
            self._reap(running)
        return True

    def _prove_sound(self, seen: list[Seen]) -> None:
        """Stop where tests fail without a mistake, whichever runs first: no failure would mean anything then."""
        for number in range(3):
            few = random.Random(number).sample([test.item for test in seen], min(20, len(seen)))  # noqa: S311
            if failed := without_mistake(few):
                self.results.clear()
                pytest.exit(f"tests fail without a mistake by now: {', '.join(sorted(failed))}", 2)

    def _trace(self, items: list[pytest.Item]) -> list[Seen]:
        seen = []
        for item in items:
            began = time.perf_counter()
            with Tracer(set(self.modules)) as tracer:
                reports = runtestprotocol(item, nextitem=None, log=False)
            if any(report.failed for report in reports):
                self.broken.append(item.nodeid)  # it can prove nothing
            elif any(report.when == "call" and report.passed for report in reports):
                seen.append(Seen(item, time.perf_counter() - began, frozenset(tracer.lines)))
        return seen

    def _reap(self, running: dict[int, tuple[Mutant, int]]) -> None:
        pid, status = os.wait()
        if pid not in running:
            return  # a process that a traced test left behind
        mutant, reading = running.pop(pid)
        with open(reading, "rb") as told:  # noqa: PTH123 - a descriptor
            self.finders[mutant.name] = told.read().decode()
        code = os.waitstatus_to_exitcode(status)
        self._note(mutant, SURVIVED if code == 0 else HUNG if code == -signal.SIGALRM else NOTICED)

    def _note(self, mutant: Mutant, result: str) -> None:
        self.results[mutant.name] = result
        done, all_ = len(self.results), len(self.chosen)
        if result in (SURVIVED, UNSEEN):
            say(f"{result}: {mutant.name}")
        if done % 100 == 0 or done == all_:
            took = time.monotonic() - self._began
            say(f"-- {done} of {all_} in {took:.0f} s, about {took / done * (all_ - done):.0f} s to go")


def chosen_tests(path: str, mutant: Mutant, by_line: dict[tuple[str, int], list[Seen]]) -> list[Seen]:
    """Return the tests that run the mutant's lines, within patience: one of each way through its function first.

    Then come one of each test function, then their twins, each time the narrowest first: a test that runs few lines
    of the kernel at all is about these lines; most others only pass by.
    """
    found = {id(test): test for line in mutant.lines for test in by_line.get((path, line), ())}
    ways: dict[int, list[int]] = {test: [] for test in found}
    for line in range(mutant.first, mutant.last + 1):
        for test in by_line.get((path, line), ()):
            if id(test) in ways:
                ways[id(test)].append(line)
    gone: set[tuple[int, ...]] = set()
    twins: Counter[str] = Counter()
    ranked = []
    for key, test in sorted(found.items(), key=lambda pair: len(pair[1].lines)):
        name, way = test.item.nodeid.partition("[")[0], tuple(ways[key])
        ranked.append((-1 if way not in gone else twins[name], test))
        gone.add(way)
        twins[name] += 1
    ranked.sort(key=lambda pair: pair[0])
    within = PATIENCE
    taken: list[Seen] = []
    for _, test in ranked:
        within -= test.seconds
        if within < 0 and taken:
            break
        taken.append(test)
    return taken


def live(files: set[str]) -> dict[tuple[str, str, int], list[FunctionType]]:
    """Return the functions of the files as they are in memory, wherever they are kept."""
    found: dict[tuple[str, str, int], list[FunctionType]] = {}
    gc.unfreeze()  # what pytest collected is kept out of sight otherwise
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename in files:
            code = thing.__code__
            found.setdefault((code.co_filename, code.co_qualname, code.co_firstlineno), []).append(thing)
    return found


def settle(item: pytest.Item) -> None:
    """Collect the garbage of all tests, and let pytest complain of it now: else the first test of every fork fails."""
    for _ in range(3):
        gc.collect()
        runtestprotocol(item, nextitem=None, log=False)


def without_mistake(tests: list[pytest.Item]) -> set[str]:
    """Run all tests once more in a forked process that holds no mistake; return those that fail there."""
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        for number, item in enumerate(tests):
            following = tests[number + 1] if number + 1 < len(tests) else None
            if any(report.failed for report in runtestprotocol(item, nextitem=following, log=False)):
                os.write(writing, f"{item.nodeid}\n".encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as told:  # noqa: PTH123 - a descriptor
        failed = told.read().decode().splitlines()
    os.waitpid(pid, 0)
    return set(failed)


def attempt(functions: list[FunctionType], code: CodeType, tests: list[Seen], told: int) -> None:
    """Make the mistake in this forked process, run the tests until one fails, and end with what came of it."""
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
        for function in functions:
            function.__code__ = code
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for number, test in enumerate(tests):
            following = tests[number + 1].item if number + 1 < len(tests) else None
            signal.setitimer(signal.ITIMER_REAL, HANG + 4 * test.seconds)
            if any(report.failed for report in runtestprotocol(test.item, nextitem=following, log=False)):
                os.write(told, test.item.nodeid.encode())
                os._exit(1)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever a mistake does to the tests, it was noticed
        os._exit(2)


def say(line: str) -> None:
    """Print at once, past what pytest captures."""
    os.write(2, f"{line}\n".encode())


def judge(run: Run) -> int:
    """Print and keep the score; return the status of the command."""
    counts = Counter(run.results.values())
    alive = {name for name, result in run.results.items() if result in (SURVIVED, UNSEEN)}
    reasons = explained()
    known = {mutant.name for module in run.modules.values() for mutant in module.mutants}
    new = sorted(alive - reasons.keys())
    stale = sorted(name for name in reasons if name not in known or (name in run.results and name not in alive))
    noticed = counts[NOTICED] + counts[HUNG]
    say(f"{noticed} of {len(run.results)} mutants noticed ({noticed / max(len(run.results), 1):.1%}):")
    say(f"  {dict(counts)}, {len(alive & reasons.keys())} explained, {len(new)} not")
    for name in new:
        say(f"NOT EXPLAINED: {name}")
    for name in stale:
        say(f"STALE in survivors.toml: {name}")
    for name in run.broken:
        say(f"left out, as it fails without a mutant: {name}")
    if run.fair and run.results:
        facts = {"mutants": len(run.results), "of": len(known), "noticed": noticed}
        facts |= {"explained": len(alive & reasons.keys()), "unexplained": len(new)}
        SCORE.write_text(f"{json.dumps(facts)}\n")
    return 1 if new or stale or not run.results else 0


def main() -> None:
    """Run the mutants asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="mutants whose name holds this text, such as _ops/move")
    parser.add_argument("--sample", type=int, default=0, help="so many of them, at random")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="files of tests in place of all, to try new ones")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    run = Run(asked.only, asked.sample, asked.seed, asked.jobs)
    run.fair = run.fair and asked.tests is TESTS
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=1"]
    ignored = [f"--ignore={path}" for path in SLOW]
    pytest.main([*options, *ignored, *asked.tests], plugins=[run])
    sys.exit(judge(run))


if __name__ == "__main__":
    main()
