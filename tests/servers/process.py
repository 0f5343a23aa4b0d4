"""One server process: its private folder, its readiness, its end."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

LOOPBACK = "127.0.0.1"
TRIES = 3  # a port can be lost between choosing and using it
DEADLINE = 60.0  # seconds a server may take on a machine that is busy with other things


class ServerError(RuntimeError):
    """A server is missing or does not start; the message says what to do."""


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, taken together so that they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [int(one.getsockname()[1]) for one in sockets]


def accepts(port: int) -> bool:
    """Whether something listens on the port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def find_program(name: str) -> str | None:
    """A program of this Python environment, or of the system, whose servers are not on every PATH."""
    beside_python = str(Path(sys.executable).parent)
    return shutil.which(name, path=os.pathsep.join([beside_python, os.environ.get("PATH", ""), "/usr/sbin"]))


class Server(ABC):
    """A program that is started in a folder of its own and killed with all its children.

    Nothing it wrote outlives it. It dies with the thread that started it, even when that is killed.
    """

    name: ClassVar[str]
    program: ClassVar[str]
    install: ClassVar[str]  # what brings the program

    folder: Path

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Write configuration into `self.folder`, choose ports, and return the arguments of the program."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it serves; asked again and again."""

    @property
    @abstractmethod
    def address(self) -> Any:
        """What a client needs to know: picklable, with an `environment` for programs started beside the server."""

    def environment(self) -> dict[str, str]:
        """Variables the program gets besides ours."""
        return {}

    def identity(self) -> dict[str, Any]:
        """The user it runs as, in the words of Popen; ours unless overridden."""
        return {}

    def start(self) -> Self:
        program = find_program(self.program)
        if program is None:
            message = f"the server {self.name} is missing: {self.program} comes with {self.install}"
            raise ServerError(message)
        for attempt in range(1, TRIES + 1):
            self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
            try:
                self._launch(program)
                self._await_ready()
                break
            except BaseException as error:
                self.stop()
                if attempt == TRIES or not isinstance(error, ServerError):
                    raise
        return self

    def stop(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """What it printed so far."""
        return (self.folder / "log").read_text(errors="replace")

    def _launch(self, program: str) -> None:
        die_with_owner = find_program("setpriv")
        prefix = [die_with_owner, "--pdeathsig", "KILL"] if die_with_owner else []
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*prefix, program, *self.command()],
                env={**os.environ, "TMPDIR": str(self.folder), **self.environment()},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests; they end the server
                **self.identity(),
            )

    def _await_ready(self) -> None:
        assert self._process is not None
        if not wait_until(lambda: self._process_ended() or self.is_ready(), DEADLINE):
            message = f"{self.name} was not ready within {DEADLINE:.0f} s:\n{self.log[-2000:]}"
            raise ServerError(message)
        if self._process_ended():
            message = f"{self.name} ended with {self._process.returncode}:\n{self.log[-2000:]}"
            raise ServerError(message)

    def _process_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Ask until the answer is yes; False when it was not within the time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
