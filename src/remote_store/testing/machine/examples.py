"""Sequences of steps that once were answered wrongly, each as short as it was when it was found."""

from __future__ import annotations

from remote_store.testing.machine.steps import step

__all__ = ["EXAMPLES"]

EXAMPLES = {
    "a file below a file, and a folder as a file": [
        step("write", "a", b"1"),
        step("write", "a/b", b"2"),
        step("copy", "a", "a/b"),
        step("move", "a", "a/a"),
        step("write", "b/a", b"3"),
        step("write", "b", b"4", overwrite=True),
        step("copy", "b/a", "b", overwrite=True),
        step("delete", "b", missing_ok=True),
    ],
    "a folder goes with its last file, or stays": [
        step("write", "a/b/a", b"1"),
        step("move", "a/b/a", "b"),
        step("exists", "a/b"),
        step("delete_folder", "a"),
        step("delete_folder", "a/b"),
        step("iter_children", ""),
        step("get_folder_info", "a"),
    ],
    "swaps of what is gone": [
        step("write", "a", b"1", if_match="stale"),
        step("write", "a", b"1"),
        step("delete", "a", if_match="now"),
        step("delete", "a", if_match="stale", missing_ok=True),
        step("write", "a", b"2", if_match="stale", overwrite=True),
    ],
    "keys as long as they may be, and longer": [
        step("write", "y" * 255, b"1"),
        step("list_files", ""),
        step("write", "x" * 256, b"2"),
        step("write", "é" * 128, b"3"),
        step("read", "/".join(["x" * 205] * 5)),
        step("delete_folder", "x/" * 512 + "x", missing_ok=True),
    ],
    "an invalid path among many, after a file and after a missing one": [
        step("write", "a", b"1"),
        step("read_many", "a", "a//b"),
        step("read_many", "b", "a//b"),
        step("delete_many", "a", "../a"),
    ],
    "names of any script and sign, in order of their code points": [
        *[
            step("write", name, name.encode())
            for name in ("é", "e\u0301", "A", "a", "😀", "\ue000", " ", "%2e", "%", "~")
        ],
        *[
            step("write", name, name.encode())
            for name in (".a", "-", "a+b", "a?#&=", "'\"$*[", "a.b", "ab", "d/😀/%2F")
        ],
        step("list_files", "", recursive=True),
        step("iter_children", ""),
        step("glob", "**/%2F"),
        step("move", "d/😀/%2F", "d/😀/%2f"),
    ],
    "copies and moves that the tree refuses name the target": [
        step("write", "b", b"1"),
        step("write", "a/b", b"2"),
        step("copy", "b", "a", overwrite=True),
        step("move", "b", "a", overwrite=True),
        step("copy", "b", "a/b/a"),
        step("move", "b", "a/b/a", within="a"),
        step("move", "b", "b/a"),
    ],
    "a folder read as a file is a missing file": [
        step("write", "a/b", b"1"),
        step("read", "a"),
        step("read", "a", by="stream"),
        step("read_range", "a", 1),
        step("get_file_info", "a"),
    ],
}
