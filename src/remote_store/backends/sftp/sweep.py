"""Removing in bulk: many files, whole trees, and drafts whose writers were killed."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from remote_store.backends._drafts import draft_name, is_draft
from remote_store.backends.sftp import wire
from remote_store.backends.sftp.channel import Lost, Silent, only_asking
from remote_store.backends.sftp.tree import A_FOLDER, folder_of, is_folder, is_link, is_missing
from remote_store.backends.sftp.walk import scan
from remote_store.backends.sftp.wire import Status
from remote_store.errors import DirectoryNotEmpty, InvalidPath, NotFound, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from remote_store.backends.sftp.channel import Channel
    from remote_store.backends.sftp.tree import Tree

__all__ = ["remove", "remove_folder", "remove_many", "remove_tree", "sweep"]

_TOGETHER = 256
"""Requests of one kind on the way at once."""
_ROUNDS = 100
"""How often a folder is emptied while others keep writing into it."""
_DAY = 24 * 3600.0


def remove(tree: Tree, key: str) -> None:
    """Delete a file, or a link itself."""
    with only_asking():
        channel = tree.channel()
        path = tree.path(key)
        (real,) = channel.ask(wire.realpath(folder_of(path)))
    tree.guard(real)
    (answer,) = channel.ask(wire.remove(path))
    failure = answer.refusal()
    if failure is not None:
        raise _refused(tree, channel, path, failure)


def _refused(tree: Tree, channel: Channel, path: bytes, failure: Status) -> Exception:
    """Return why a file could not be deleted; OpenSSH says «Failure» of a folder."""
    if not is_missing(failure):
        (found,) = channel.ask(wire.lstat(path))
        if found.failure() is not None or not is_folder(found.attrs()):
            return failure
        return NotFound(A_FOLDER)
    return tree.missing(channel)


def remove_many(tree: Tree, keys: Sequence[str]) -> list[tuple[str, Exception]]:
    """Delete files side by side, missing ones included; return those that failed."""
    channel = tree.channel()
    failed: list[tuple[str, Exception]] = []
    for start in range(0, len(keys), _TOGETHER):
        some = [(key, path) for key in keys[start : start + _TOGETHER] if (path := _path(tree, key, failed))]
        folders = list(dict.fromkeys(folder_of(path) for _, path in some))
        outside = tree.outside(folders, channel.ask(*map(wire.realpath, folders)))
        failed += [(key, outside[folder]) for key, path in some if (folder := folder_of(path)) in outside]
        some = [(key, path) for key, path in some if folder_of(path) not in outside]
        for (key, path), answer in zip(some, channel.ask(*[wire.remove(path) for _, path in some]), strict=True):
            failure = answer.refusal()
            if failure is not None and not is_missing(failure):
                failed.append((key, _refused(tree, channel, path, failure)))
    if not tree.create and keys:
        missing = tree.missing(channel)
        if type(missing) is not NotFound:
            raise missing
    return [(key, error) for key, error in failed if type(error) is not NotFound]


def _path(tree: Tree, key: str, failed: list[tuple[str, Exception]]) -> bytes | None:
    try:
        return tree.path(key)
    except InvalidPath as error:
        failed.append((key, error))
        return None


def _found(tree: Tree, folder: str) -> tuple[Channel, bytes, bool]:
    """Return where a folder stands that is to go, and whether it is one itself rather than a link.

    Raises:
        NotFound: nothing or a file stands there.
    """
    with only_asking():
        channel = tree.channel()
        path = tree.path(folder)
        found = tree.look(channel, path)
    if found is None:
        raise tree.missing(channel)
    if is_link(found):
        return channel, path, False
    if not is_folder(found):
        raise NotFound("a file stands here, not a folder")
    return channel, path, True


def remove_folder(tree: Tree, folder: str) -> None:
    """Delete an empty folder, or a link to a folder, since what it points to is another's."""
    channel, path, is_real = _found(tree, folder)
    if not is_real:
        channel.ask(wire.remove(path))[0].done()
        return
    failure = channel.ask(wire.rmdir(path))[0].refusal()
    if failure is not None and _sweep(channel, [path], _DAY):
        failure = channel.ask(wire.rmdir(path))[0].refusal()  # drafts of killed writers were all that was in it
    if failure is None:
        return
    if failure.code == wire.FAILURE:
        (inside,) = scan(channel, [path])
        if isinstance(inside, list) and inside:
            raise DirectoryNotEmpty("the folder is not empty; pass recursive=True to delete all that is in it")
    raise failure


def remove_tree(tree: Tree, folder: str) -> None:
    """Delete a folder and all that is in it: gone from sight in one step, then file by file."""
    channel, path, is_real = _found(tree, folder)
    if not is_real:
        channel.ask(wire.remove(path))[0].done()
        return
    hidden = (path.rpartition(b"/")[0] or b"") + b"/" + draft_name().encode()
    try:
        failure = channel.ask(wire.rename(path, hidden))[0].refusal()
    except Lost as lost:
        channel = _anew(tree, lost)
        failure = channel.ask(wire.lstat(hidden))[0].failure()
        if failure is not None:
            lost.undone = is_missing(failure)
            raise
    if failure is not None:
        _empty(channel, path)  # where another file system begins, or a name that may not be changed
        return
    try:
        try:
            _empty(channel, hidden)
        except Lost as lost:
            channel = _anew(tree, lost)
            _empty(channel, hidden)
    except BaseException:
        with suppress(Lost, Status):  # what could not be deleted is seen again, unless the name is taken by now
            if channel.broken is None:
                channel.ask(wire.rename(hidden, path))[0].done()
        raise


def _anew(tree: Tree, lost: Lost) -> Channel:
    """Return another channel, to end what is out of sight already; the loss itself where there is none."""
    if isinstance(lost, Silent) or tree.session.closed:
        raise lost
    try:
        return tree.channel()
    except (Lost, RemoteStoreError):
        raise lost from None


def _empty(channel: Channel, top: bytes) -> None:
    """Delete a folder and all that is in it, level by level; links in it are deleted, never followed."""
    for _ in range(_ROUNDS):
        levels = [[top]]
        while levels[-1]:
            levels.append(_delete_files(channel, levels[-1]))
        failure = None
        for level in reversed(levels):
            for start in range(0, len(level), _TOGETHER):
                for answer in channel.ask(*map(wire.rmdir, level[start : start + _TOGETHER])):
                    refused = answer.refusal()
                    if refused is not None and not is_missing(refused):
                        failure = refused
        if failure is None:
            return
        if failure.code != wire.FAILURE:
            raise failure
    raise DirectoryNotEmpty("others keep writing into the folder")


def _delete_files(channel: Channel, folders: list[bytes]) -> list[bytes]:
    """Delete all in some folders that is not a folder itself; return the folders that are left."""
    below: list[bytes] = []
    for start in range(0, len(folders), 32):
        some = folders[start : start + 32]
        files: list[bytes] = []
        for folder, found in zip(some, scan(channel, some), strict=True):
            if not isinstance(found, list):
                if is_missing(found):
                    continue
                raise found
            for name, facts in found:
                if b"/" in name or not name:
                    continue  # no server means well that says this
                (below if is_folder(facts) else files).append(folder + b"/" + name)
        for first in range(0, len(files), _TOGETHER):
            for answer in channel.ask(*map(wire.remove, files[first : first + _TOGETHER])):
                refused = answer.refusal()
                if refused is not None and not is_missing(refused):
                    raise refused
    return below


def sweep(tree: Tree, older_than: float) -> int:
    """Delete what killed processes left below the root, if older than so many seconds; return how many."""
    channel = tree.channel()
    folders, count = [tree.top], 0
    while folders:
        below: list[bytes] = []
        for start in range(0, len(folders), 32):
            count += _sweep(channel, folders[start : start + 32], older_than, below)
        folders = below
    return count


def _sweep(channel: Channel, folders: list[bytes], older_than: float, below: list[bytes] | None = None) -> int:
    before = time.time() - older_than
    count = 0
    for folder, found in zip(folders, scan(channel, folders), strict=True):
        if not isinstance(found, list):
            if is_missing(found):
                continue
            raise found
        for name, facts in found:
            path = folder + b"/" + name
            if is_draft(name.decode(errors="replace")):
                if facts.modified is not None and facts.modified < before:
                    count += _sweep_one(channel, path, folder=is_folder(facts))
            elif below is not None and is_folder(facts) and b"/" not in name:
                below.append(path)
    return count


def _sweep_one(channel: Channel, path: bytes, *, folder: bool) -> int:
    if folder:
        _empty(channel, path)
        return 1
    return int(channel.ask(wire.remove(path))[0].refusal() is None)
