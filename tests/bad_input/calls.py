"""Every public call of a store with good arguments, and for each parameter what is wrong for it."""

import io
from pathlib import PureWindowsPath

from remote_store import Capability, FolderEntry, RemotePath

FILE = "folder/file.bin"
"""The one file that stands in a store under test."""
CONTENT = b"0123456789"

CALLS = {
    "read": {"path": FILE, "version": None},
    "read_bytes": {"path": FILE, "version": None},
    "read_text": {"path": FILE, "encoding": "utf-8", "errors": "strict"},
    "read_seekable": {"path": FILE, "version": None, "info": None},
    "read_range": {"path": FILE, "offset": 0, "length": 3},
    "read_many": {"paths": [FILE], "concurrency": 2},
    "write": {
        "path": FILE,
        "content": b"new",
        "overwrite": True,
        "metadata": None,
        "content_type": None,
        "if_match": None,
    },
    "write_many": {"files": {FILE: b"new"}, "overwrite": True, "concurrency": 2},
    "write_text": {
        "path": FILE,
        "text": "new",
        "encoding": "utf-8",
        "errors": "strict",
        "overwrite": True,
        "metadata": None,
        "content_type": None,
        "if_match": None,
    },
    "write_atomic": {
        "path": FILE,
        "content": b"new",
        "overwrite": True,
        "metadata": None,
        "content_type": None,
        "if_match": None,
    },
    "open_atomic": {"path": FILE, "overwrite": True, "metadata": None, "content_type": None, "if_match": None},
    "delete": {"path": FILE, "missing_ok": False, "if_match": None},
    "delete_folder": {"path": "folder", "recursive": True, "missing_ok": False},
    "delete_many": {"paths": [FILE]},
    "list_files": {"path": "folder", "recursive": True, "pattern": "*", "max_depth": None},
    "list_folders": {"path": "folder"},
    "iter_children": {"path": "folder"},
    "glob": {"pattern": "**/*"},
    "list_versions": {"path": FILE},
    "copy": {"src": FILE, "dst": "folder/copy", "overwrite": True},
    "move": {"src": FILE, "dst": "folder/moved", "overwrite": True},
    "exists": {"path": FILE},
    "is_file": {"path": FILE},
    "is_folder": {"path": "folder"},
    "get_file_info": {"path": FILE},
    "get_folder_info": {"path": "folder"},
    "head": {"path": FILE},
    "presign": {"path": FILE, "expires": 60, "method": "GET"},
    "child": {"path": "folder"},
    "resolve": {"path": FILE},
    "native_path": {"path": FILE},
    "describe": {"path": FILE},
    "to_key": {"native": "somewhere"},
    "unwrap": {"kind": object},
    "supports": {"capability": Capability.READ},
}
BARE = {"ping", "close", "capabilities", "from_uri"}
"""Without arguments, or tested by themselves."""

FOLDER_CALLS = {
    "list_files",
    "list_folders",
    "iter_children",
    "is_folder",
    "is_file",
    "exists",
    "get_folder_info",
    "child",
    "resolve",
    "native_path",
    "describe",
}
"""Those that take the root too."""

_NO_PATH = [None, 3, b"folder/file.bin", ["a"], object(), PureWindowsPath("a")]
_NO_FLAG = [None, 1, 0, "yes"]
_NO_NUMBER = ["1", 1.5, True]

WRONG_TYPES = {
    "path": _NO_PATH,
    "src": _NO_PATH,
    "dst": _NO_PATH,
    "paths": [None, 3, "folder", b"folder", [FILE, 3]],
    "files": [None, 3, "folder", b"folder", [FILE], [(FILE, b"new", 3)], [(3, b"new")], {FILE: "text"}],
    "content": [None, 3, 1.5, "text", {"a": 1}, RemotePath("a"), ["text"], [b"x", None], io.StringIO("text")],
    "text": [None, 3, b"text"],
    "encoding": [None, 3],
    "errors": [None, 3],
    "version": [3, b"1"],
    "if_match": [3, b"1", True],
    "overwrite": _NO_FLAG,
    "missing_ok": _NO_FLAG,
    "recursive": _NO_FLAG,
    "metadata": [3, "a=b", ["a"], {"a": 1}, {1: "a"}, {"a": None}],
    "content_type": [3, b"text/csv"],
    "offset": [None, *_NO_NUMBER],
    "length": _NO_NUMBER,
    "concurrency": _NO_NUMBER,
    "max_depth": _NO_NUMBER,
    "pattern": [3, b"*", ["*"]],
    "expires": [None, "1 h", True],
    "method": [None, 3],
    "native": [None, 3, b"x"],
    "kind": [None, "S3Client", 3],
    "capability": [None, "READ", 3],
    "info": [3, "file.bin", FolderEntry("folder")],
}

WRONG_VALUES = {
    "encoding": ["no-such-encoding"],
    "errors": ["no-such-handler"],
    "if_match": [""],
    "metadata": [{"A": "x"}, {"": "x"}, {"a b": "x"}, {"a": "x\r\ny: z"}, {"a": "é"}, {"a": " x"}, {"a": "x" * 3000}],
    "content_type": ["", "text/csv\r\nx: y", "é"],
    "offset": [-1],
    "length": [-1],
    "concurrency": [0, -1],
    "max_depth": [-1],
    "expires": [0, -1, 8 * 24 * 3600, float("nan"), float("inf")],
    "method": ["DELETE", "get", ""],
}

HOSTILE_KEYS = {
    "absolute": "/etc/passwd",
    "parent": "../outside",
    "inner parent": "folder/../../outside",
    "last parent": "folder/..",
    "dot": ".",
    "inner dot": "folder/./file.bin",
    "empty segment": "folder//file.bin",
    "trailing slash": "folder/",
    "backslash": "folder\\file.bin",
    "drive": "C:file.bin",
    "rooted drive": "c:/file.bin",
    "inner drive": "folder/C:file.bin",
    "NUL": "folder/file.bin\0.txt",
    "newline": "folder/file\n.bin",
    "escape": "folder/\x1b[2Jfile",
    "delete": "a\x7f",
    "control of the second set": "a\x85b",
    "lone surrogate": "a\udc80",
    "long segment": "x" * 256,
    "long segment in bytes": "é" * 128,
    "long key": "/".join(["x" * 200] * 6),
}
