"""Use a store as somebody with few rights, and print what each call said."""

import json
import os
import sys
from pathlib import Path

from remote_store import RemoteStoreError, Store
from remote_store.backends.local import LocalBackend

NOBODY = 65534

root = sys.argv[1]
store = Store(LocalBackend(root))
store.write("open/f", b"x")
store.write("denied/f", b"x")
store.write("shown/f", b"x")
store.write("secret", b"x")
Path(root, "denied").chmod(0o000)
Path(root, "shown").chmod(0o555)
Path(root, "secret").chmod(0o000)
if os.geteuid() == 0:
    for folder, _, names in os.walk(root):
        for path in [folder, *(f"{folder}/{name}" for name in names)]:
            os.chown(path, NOBODY, NOBODY)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)

CALLS = {
    "read": lambda: store.read_bytes("secret"),
    "read below": lambda: store.read_bytes("denied/f"),
    "exists below": lambda: store.exists("denied/f"),
    "list": lambda: list(store.list_files("denied")),
    "walk": lambda: list(store.list_files(recursive=True)),
    "sum": store.get_folder_info,
    "write": lambda: store.write("shown/new", b"y"),
    "write below": lambda: store.write("shown/new/folder/f", b"y"),
    "overwrite": lambda: store.write("shown/f", b"y", overwrite=True),
    "write in parts": lambda: store.write("shown/f", [b"y" * (1 << 20)] * 3, overwrite=True),
    "delete": lambda: store.delete("shown/f"),
    "delete tree": lambda: store.delete_folder("shown", recursive=True),
    "copy": lambda: store.copy("secret", "copy"),
    "copy to": lambda: store.copy("open/f", "shown/copy"),
    "move": lambda: store.move("shown/f", "moved"),
    "move to": lambda: store.move("open/f", "shown/moved"),
    "cleanup": lambda: store.unwrap(LocalBackend).cleanup(),
}
outcome = {}
for name, call in CALLS.items():
    try:
        outcome[name] = repr(call())
    except RemoteStoreError as error:
        outcome[name] = type(error).__name__
        if name == "walk":
            outcome["message"] = error.message
for name, place in (("no root", f"{root}/shown/new/root"), ("hidden root", f"{root}/denied/root")):
    try:
        outcome[name] = repr(Store(LocalBackend(place)).write("f", b"x"))
    except RemoteStoreError as error:
        outcome[name] = type(error).__name__
        outcome[f"{name} named"] = repr(place) in error.message
outcome["facts"] = store.get_file_info("secret").size
outcome["names"] = sorted(entry.key for entry in store.iter_children())
outcome["shown"] = {info.key: store.read_text(info.key) for info in store.list_files("shown")}
json.dump(outcome, sys.stdout)
