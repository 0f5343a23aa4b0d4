"""One process owns the servers of a test run; the others ask it for addresses."""

import contextlib
import multiprocessing.connection as channel
import secrets
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers.process import Server


class Desk:
    """Starts a server when its name is first asked for, and ends all of them when closed.

    One thread does both: a server dies with the thread that started it.
    """

    def __init__(self, servers: Mapping[str, type[Server]]) -> None:
        self._servers = servers
        self._answers: dict[str, Any] = {}
        self._folder = tempfile.mkdtemp(prefix="desk-")
        self.location = str(Path(self._folder) / "socket")
        self.key = secrets.token_hex()
        self._listener = channel.Listener(self.location, authkey=self.key.encode())
        self._thread = threading.Thread(target=self._serve, name="servers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        ask(self.location, self.key, None)
        self._thread.join()
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _serve(self) -> None:
        with contextlib.ExitStack() as running:
            while True:
                # An asker that went away, killed perhaps, does not concern the next one.
                with contextlib.suppress(EOFError, OSError), self._listener.accept() as asker:
                    name = asker.recv()
                    if name is None:
                        running.close()
                        asker.send(None)
                        return
                    asker.send(self._address(name, running))

    def _address(self, name: str, running: contextlib.ExitStack) -> Any:
        if name not in self._answers:
            try:
                self._answers[name] = running.enter_context(self._servers[name]()).address
            except Exception as error:  # noqa: BLE001 - it is raised where the server was asked for
                self._answers[name] = error
        return self._answers[name]


def ask(location: str, key: str, name: str | None) -> Any:
    """The address of a server, started if it was not."""
    with channel.Client(location, authkey=key.encode()) as desk:
        desk.send(name)
        answer = desk.recv()
    if isinstance(answer, Exception):
        raise answer
    return answer
