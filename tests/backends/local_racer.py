"""One of several processes that race on a local store; what it has to say goes to its standard output."""

import sys
import time
from pathlib import Path

from remote_store import AlreadyExists, NotFound, PreconditionFailed, Store
from remote_store.backends.local import LocalBackend

SIZE = 200_000


def create(store, name, rounds):
    """Count the rounds in which this process was the one that created the file."""
    won = 0
    for number in range(rounds):
        content = name if number % 2 else [name.encode() * (1 << 20)] * 2
        try:
            store.write_text(f"created/{number}", name) if number % 2 else store.write(f"created/{number}", content)
            won += 1
        except AlreadyExists:
            pass
    return won


def count(store, name, rounds):
    """Add one to a counter, so many times; returns how often another process came between."""
    lost = 0
    for _ in range(rounds):
        while True:
            seen = store.read("counter")
            try:
                store.write_text("counter", str(int(seen.read()) + 1), if_match=seen.info.etag)
                break
            except PreconditionFailed:
                lost += 1
    return lost


def overwrite(store, name, rounds):
    """Replace one file over and over."""
    for number in range(rounds):
        store.write("shared", f"{name}{number % 10}".encode() * (SIZE // 2), overwrite=True)
    return rounds


def read(store, name, rounds):
    """Read that file over and over; counts those that are not of one piece."""
    torn = 0
    for number in range(rounds):
        if number % 2:
            content = store.read_bytes("shared")
        else:
            with store.read("shared") as reader:
                content = b"".join(map(bytes, reader.chunks()))
        torn += content != content[:2] * (SIZE // 2)
    return torn


def move(store, name, rounds):
    """Move whatever is in the pool to a name of this process."""
    won = 0
    for number in range(rounds):
        try:
            store.move(f"pool/{number}", f"taken/{name}/{number}")
            won += 1
        except NotFound:
            pass
    return won


def churn(store, name, rounds):
    """Write into a folder that others delete."""
    for number in range(rounds):
        key = f"churn/a/b/{name}"
        if number % 3 == 2:
            store.delete_folder("churn", recursive=True, missing_ok=True)
        else:
            store.write(key, b"x", overwrite=True)
    return rounds


def main(root, task, name, rounds):
    """Wait for the start, then race."""
    store = Store(LocalBackend(root))
    Path(root, "ready", name).touch()
    while not Path(root, "go").exists():
        time.sleep(0.001)
    sys.stdout.write(str(globals()[task](store, name, int(rounds))))


if __name__ == "__main__":
    main(*sys.argv[1:])
