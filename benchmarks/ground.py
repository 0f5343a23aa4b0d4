"""What a run stands on: how thorough it is, the workers and servers it started, and its scratch folder."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks.contest import Absent, Contender, Worker, contest
from benchmarks.environments import ROOT, Missing, python_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.contest import Rounds
    from tests.servers.process import Server

SOURCE = ROOT / "src"
MEMORY = Path("/dev/shm")  # noqa: S108  folders of our own are made in it


class Ground:
    """Starts what is asked for, once, and ends all of it."""

    def __init__(self, *, quick: bool = False) -> None:
        self.quick = quick
        self.rounds = 3 if quick else 9
        self.seconds = 0.1 if quick else 0.2
        self._running = contextlib.ExitStack()
        self._workers: dict[str, Worker | str] = {}
        self._servers: dict[object, Server] = {}
        self.folder = Path()

    def __enter__(self) -> Self:
        self.folder = Path(self._running.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def in_memory(self) -> Path:
        """A new folder that other users may enter, in memory where the machine has a file system there.

        Making a file on a disk takes from 20 us to 700 us on one and the same machine, as its journal and the files
        that were just deleted want it: more than what is compared.
        """
        home = MEMORY if os.access(MEMORY, os.W_OK) else self.folder
        made = tempfile.TemporaryDirectory(prefix="benchmarks-", dir=home)
        folder = Path(self._running.enter_context(made))
        folder.chmod(0o711)
        return folder

    def server(self, kind: type[Server], *arguments: Any, **options: Any) -> Any:
        """Return the address of a server, started if it was not."""
        name = (kind, arguments, tuple(options.items()))
        if name not in self._servers:
            self._servers[name] = self._running.enter_context(kind(*arguments, **options))
        return self._servers[name].address

    def started(self, kind: type[Server], *arguments: Any, **options: Any) -> Any:
        """Return the server itself."""
        self.server(kind, *arguments, **options)
        return self._servers[kind, arguments, tuple(options.items())]

    def worker(self, environment: str, module: str, config: Mapping[str, Any]) -> Worker:
        """Return a contender's process, started if it was not. Raises Absent with the reason it cannot run."""
        name = json.dumps([environment, module, config], sort_keys=True)
        if name not in self._workers:
            self._workers[name] = self._start(environment, module, config)
        found = self._workers[name]
        if isinstance(found, str):
            raise Absent(found)
        return found

    def _start(self, environment: str, module: str, config: Mapping[str, Any]) -> Worker | str:
        try:
            paths = [SOURCE] if environment == "ours" else []
            worker = Worker(python_of(environment), f"benchmarks.clients.{module}", config, paths)
        except (Missing, Absent) as why:
            return str(why)
        self._running.callback(worker.close)
        return worker

    def warm(self, wanted: Mapping[str, tuple[str, str, Mapping[str, Any], str]]) -> None:
        """Let contenders load and connect what they need; those that cannot say so when they take part."""
        for environment, module, config, _ in wanted.values():
            with contextlib.suppress(Absent):
                worker = self.worker(environment, module, config)
                if "warm" in worker.offers:
                    worker.sample("warm", 1)

    def contest(
        self,
        wanted: Mapping[str, tuple[str, str, Mapping[str, Any], str]],
        *,
        rounds: int | None = None,
        seconds: float | None = None,
        count: int = 0,
    ) -> tuple[Rounds, dict[str, str]]:
        """Let contenders take turns: name -> (environment, module, config, operation).

        Each turn does the operation `count` times, or for the run's usual time. One that does not offer the operation
        is left out silently: the job is not its own.
        """
        contenders = []
        absent = {}
        for name, (environment, module, config, operation) in wanted.items():
            try:
                worker = self.worker(environment, module, config)
            except Absent as why:
                absent[name] = str(why)
                continue
            if operation in worker.offers:
                contenders.append(Contender(name, worker, operation))
        taken, failed = contest(
            contenders,
            rounds=rounds or self.rounds,
            seconds=0 if count else (seconds or self.seconds),
            count=count,
        )
        return taken, absent | failed
