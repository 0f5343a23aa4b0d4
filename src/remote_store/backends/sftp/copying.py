"""Copying and moving inside the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store._io import run
from remote_store.backend import PutOptions
from remote_store.backends.sftp import wire
from remote_store.backends.sftp.channel import Lost
from remote_store.backends.sftp.publish import check, move_name, publish, unmake
from remote_store.backends.sftp.reading import FileBody
from remote_store.backends.sftp.tree import (
    A_FOLDER,
    SPECIAL,
    folder_of,
    info_of,
    is_file,
    is_folder,
    is_link,
    is_missing,
)
from remote_store.backends.sftp.wire import Status
from remote_store.errors import IntegrityError, NotFound

if TYPE_CHECKING:
    from remote_store.backends.sftp.channel import Channel
    from remote_store.backends.sftp.draft import Draft
    from remote_store.backends.sftp.tree import Tree
    from remote_store.backends.sftp.wire import Attrs

__all__ = ["copy_file", "move_file"]

_STRETCH = 16 << 20
"""Bytes that the server copies before it answers, so that others wait no longer."""
_ROUNDS = 20


def copy_file(tree: Tree, source: str, target: str, *, overwrite: bool, durable: bool, plain: bool) -> None:
    """Copy a file; its bytes stay in the server where that can copy."""
    tree.file(tree.channel(), source)  # a missing source is the first thing to say
    path = tree.path(source)

    def fill(draft: Draft) -> None:
        channel = draft.channel
        body = _opened(tree, channel, path)
        try:
            if channel.offers(b"copy-data"):
                for start in range(0, body.length, _STRETCH):
                    length = min(_STRETCH, body.length - start)
                    channel.ask(wire.copy_data(body.handle, start, length, draft.handle))[0].done()
                draft.size = body.length
            else:
                _carry(body, draft)
        finally:
            run(body.close())

    publish(tree, target, PutOptions(overwrite), fill, durable=durable, plain=plain)


def _opened(tree: Tree, channel: Channel, path: bytes) -> FileBody:
    (real,) = channel.ask(wire.realpath(path))
    tree.guard(real)
    answer = channel.ask(wire.open_file(path, wire.FOR_READING))[0]
    if (failure := answer.failure()) is not None and is_missing(failure):
        raise NotFound("the file was deleted while it was copied")
    handle = answer.handle()
    try:
        facts = channel.ask(wire.fstat(handle))[0].attrs()
    except Status:
        channel.later(wire.close(handle))
        raise
    return FileBody(channel, handle, info_of("", facts), 0, facts.size or 0)


def _carry(body: FileBody, draft: Draft) -> None:
    """Copy through this machine."""
    while data := run(body.next()):
        draft.write(data, draft.size)
    if draft.size != body.length:
        raise IntegrityError(f"the source ended after {draft.size} of {body.length} bytes")


def move_file(tree: Tree, source: str, target: str, *, overwrite: bool, durable: bool, plain: bool) -> None:
    """Rename a file."""
    made: list[bytes] = []
    named = False
    try:
        for _ in range(_ROUNDS):
            channel = tree.channel()
            here, there = tree.path(source), tree.path(target)
            facts = _movable(tree, channel, here)
            check(tree.look(channel, there), overwrite=overwrite)
            if is_link(facts):  # it may be relative, so it is copied and means the same file everywhere
                copy_file(tree, source, target, overwrite=overwrite, durable=durable, plain=plain)
                channel.ask(wire.remove(here))[0].done()
                return None
            named = True
            try:
                return move_name(tree, channel, here, there, overwrite=overwrite, plain=plain)
            except Status as status:
                named = False
                if not is_missing(status):
                    raise
            _movable(tree, channel, here)
            tree.make_folder(channel, folder_of(there), made)
    except BaseException as error:
        if isinstance(error, Lost):
            error.undone = not named
        unmake(tree, made, error)
        raise
    raise NotFound("the folder is deleted again and again while the file is moved")


def _movable(tree: Tree, channel: Channel, path: bytes) -> Attrs:
    """Return the facts of a file or link that is to be moved."""
    facts = tree.look(channel, path)
    if facts is None:
        raise tree.missing(channel)
    if not is_file(facts) and not is_link(facts):
        raise NotFound(A_FOLDER if is_folder(facts) else SPECIAL)
    return facts
