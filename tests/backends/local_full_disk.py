"""Fill a tiny disk through a store and print what came of it; run where mounting is allowed."""

import json
import subprocess
import sys
from pathlib import Path

from remote_store import RemoteStoreError, RetryPolicy, Store
from remote_store.backends.local import LocalBackend

root = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", root], check=True)
store = Store(LocalBackend(root), retry=RetryPolicy(attempts=1))
store.write("f", b"old")


def in_parts():
    with store.open_atomic("f", overwrite=True) as file:
        for _ in range(4):
            file.write(bytes(1 << 20))


errors = []
for call in (
    lambda: store.write("f", bytes(2 << 20), overwrite=True),
    lambda: store.write("new/folder/f", bytes(2 << 20)),
    lambda: store.write("g", [bytes(1 << 20)] * 4),
    in_parts,
):
    try:
        call()
    except RemoteStoreError as error:
        errors.append(error)
outcome = {
    "kinds": [type(error).__name__ for error in errors],
    "messages": [error.message for error in errors],
    "names": [path.name for path in Path(root).iterdir()],
    "content": store.read_text("f"),
}
store.write("f", b"new", overwrite=True)
outcome["after"] = store.read_text("f")
json.dump(outcome, sys.stdout)
