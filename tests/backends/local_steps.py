"""Steps of a local write: count them, let the nth one fail, or let this process die before it."""

import ctypes
import fcntl
import functools
import json
import os
import signal
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

OF_OS = """
    open stat fstat pwrite pread utime rename link unlink mkdir rmdir close fsync fchmod copy_file_range dup
"""


@contextmanager
def watched(before):
    """Call ``before(name)`` ahead of each step that the local backend takes on the file system."""
    from remote_store.backends.local import beneath

    kept = [(os, name, getattr(os, name)) for name in OF_OS.split()]
    kept += [(fcntl, "flock", fcntl.flock), (beneath, "_openat2", beneath._openat2)]
    kept += [(beneath, "_renameat2", beneath._renameat2)]

    def wrap(name, function):
        if not isinstance(function, ctypes._CFuncPtr):
            return functools.wraps(function)(lambda *args, **options: before(name) or function(*args, **options))

        def call(*args):
            try:
                before(name)
            except OSError as error:
                ctypes.set_errno(error.errno)
                return -1
            return function(*args)

        return call

    for home, name, function in kept:
        setattr(home, name, wrap(name, function))
    try:
        yield
    finally:
        for home, name, function in kept:
            setattr(home, name, function)


def held_below(root):
    """Return what this process holds open below a folder; what other tests leave to the collector is not theirs."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(link.readlink()))
    return sorted(target for target in found if Path(target).is_relative_to(root))


def put_new(store):
    store.write("a/b/new", b"new" * 100)


def put_big(store):
    store.write("f", b"new" * 100_000, overwrite=True)


def overwrite(store):
    store.write("f", b"new" * 100, overwrite=True)


def swap(store):
    store.write("f", b"new" * 100, if_match=store.head("f").etag)


def write_in_parts(store):
    with store.open_atomic("f", overwrite=True) as file:
        for _ in range(3):
            file.write(b"n" * (1 << 20))


def create_in_parts(store):
    with store.open_atomic("a/new") as file:
        for _ in range(3):
            file.write(b"n" * (1 << 20))


def copy(store):
    store.copy("g", "f", overwrite=True)


def copy_new(store):
    store.copy("g", "a/new")


def move(store):
    store.move("g", "f", overwrite=True)


def move_new(store):
    store.move("g", "a/new")


def delete(store):
    store.delete("f")


def delete_tree(store):
    store.delete_folder("tree", recursive=True)


CALLS = {
    call.__name__: call
    for call in (
        put_new,
        put_big,
        overwrite,
        swap,
        write_in_parts,
        create_in_parts,
        copy,
        copy_new,
        move,
        move_new,
        delete,
        delete_tree,
    )
}
OLD = {"f": b"old", "g": b"other", "tree/x": b"x", "tree/y/z": b"z"}


def lay_out(root):
    """Make the files that the calls find."""
    for key, content in OLD.items():
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def seen(store):
    """Return all that a store shows."""
    return {info.key: store.read_bytes(info.key) for info in store.list_files(recursive=True)}


def drafts(root):
    """Return the hidden files and folders below a folder."""
    return [name for _, folders, files in os.walk(root) for name in folders + files if name.startswith(".")]


def die_at(root, name, step, durable):
    """Fork a child that kills itself ahead of a step; say whether it came that far."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)
    from remote_store import Store
    from remote_store.backends.local import LocalBackend

    count = 0

    def before(_):
        nonlocal count
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGKILL)

    store = Store(LocalBackend(root, durable=durable))
    with watched(before):
        CALLS[name](store)
    os._exit(0)


def main(folder, name, durable):
    """Kill the call at each of its steps, and print what each death left."""
    from remote_store import Store
    from remote_store.backends.local import LocalBackend

    deaths = []
    while True:
        root = Path(folder, str(len(deaths)))
        lay_out(root)
        if not die_at(root, name, len(deaths) + 1, durable == "durable"):
            break
        backend = LocalBackend(root)
        files = seen(Store(backend))
        hidden = drafts(root)
        backend.cleanup(older_than=3600)
        kept = drafts(root)
        swept = backend.cleanup(older_than=-1)
        left = drafts(root)
        if files == OLD:
            CALLS[name](Store(backend))  # nobody is left who could be in the way
        shown = {key: content.hex() for key, content in files.items()}
        deaths.append({"files": shown, "hidden": hidden, "kept": kept, "swept": swept, "left": left})
    json.dump(deaths, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
