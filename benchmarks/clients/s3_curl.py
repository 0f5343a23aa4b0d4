"""curl, one process a stream: the limit for one big object. It signs nothing, which nginx does not mind."""

from __future__ import annotations

import subprocess
from typing import Any


class Client:
    def __init__(self, config: dict[str, Any]) -> None:
        self._url = f"{config['endpoint']}/{config['bucket']}/"
        self._size = config["big_size"]
        self._streams = config["streams"]

    def get(self, key: str) -> bytes:
        return subprocess.run(["curl", "-sf", self._url + key], check=True, capture_output=True).stdout

    def put(self, key: str, data: bytes) -> None:
        subprocess.run(["curl", "-sf", "-T", "-", self._url + key], check=True, input=data, capture_output=True)

    def head(self, key: str) -> int:
        return len(self.get(key))

    def down(self, key: str) -> int:
        part = self._size // self._streams
        quiet = ["curl", "-sf", "-o", "/dev/null", "-w", "%{size_download}"]
        ranges = [f"{part * number}-{part * (number + 1) - 1}" for number in range(self._streams)]
        commands = [[*quiet, *(["-r", one] if len(ranges) > 1 else []), self._url + key] for one in ranges]
        return sum(int(answer) for answer in _together(commands))

    def up(self, key: str, data: bytes) -> None:
        part = len(data) // self._streams
        quiet = ["curl", "-sf", "-H", "Expect:", "-T", "-", "-o", "/dev/null"]
        commands = [[*quiet, f"{self._url}{key}?partNumber={number + 1}&uploadId=u"] for number in range(self._streams)]
        view = memoryview(data)
        _together(commands, [view[part * number : part * (number + 1)] for number in range(self._streams)])


def _together(commands: list[list[str]], inputs: list[memoryview] | None = None) -> list[bytes]:
    import threading

    running = [subprocess.Popen(one, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for one in commands]
    answers: list[bytes] = [b""] * len(running)

    def finish(number: int) -> None:
        answers[number] = running[number].communicate(inputs[number] if inputs else None)[0]

    threads = [threading.Thread(target=finish, args=(number,)) for number in range(len(running))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(process.returncode for process in running)
    return answers
