"""Publishing: a file is written out of sight in the folder where it will stand, then takes its name in one step."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from remote_store.backends.sftp import wire
from remote_store.backends.sftp.channel import Lost, Silent
from remote_store.backends.sftp.draft import Draft
from remote_store.backends.sftp.tree import folder_of, info_of, is_folder, is_missing
from remote_store.backends.sftp.wire import Status
from remote_store.errors import AlreadyExists, CapabilityNotSupported, InvalidPath, NotFound, RemoteStoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from remote_store.backend import Buffer, FileInfo, PutOptions
    from remote_store.backends.sftp.channel import Channel
    from remote_store.backends.sftp.tree import Tree
    from remote_store.backends.sftp.wire import Attrs

__all__ = ["SFTPUpload", "move_name", "open_draft", "publish", "take_name", "taking", "unmake"]

_ROUNDS = 20
"""How often a write begins again whose folder is deleted under it."""
_RACES = 4
"""How often a name is asked for again that the server refused for no reason that could be found."""
TAKEN = "a file stands here already; pass overwrite=True to replace it"
NO_REPLACE = (
    "this server cannot replace a file in one step (it lacks posix-rename@openssh.com); with plain=True the old file "
    "goes before the new one comes"
)
NO_LINK = (
    "this server cannot give a name only if it is free (it lacks hardlink@openssh.com); with plain=True it is asked "
    "for a rename, which it may or may not refuse"
)


def check(old: Attrs | None, *, overwrite: bool) -> None:
    """Refuse to replace what stands there, unless it may be."""
    if old is None:
        return
    if is_folder(old):
        raise InvalidPath("a folder stands here; a file cannot have the same name")
    if not overwrite:
        raise AlreadyExists(TAKEN)


def taking(source: bytes, target: bytes, *, overwrite: bool) -> list[wire.Request]:
    """Return what gives a draft its name, and takes its own away, on a server that has a step for it."""
    if overwrite:
        return [wire.replace(source, target)]
    return [wire.link(source, target), wire.remove(source)]


def take_name(tree: Tree, channel: Channel, source: bytes, target: bytes, *, overwrite: bool, plain: bool) -> None:
    """Give a draft the name of the target in one step, and take its own away."""
    if not overwrite and channel.offers(b"hardlink@openssh.com"):
        # Together: without its new name the draft is of no use either.
        linked, removed = channel.ask(*taking(source, target, overwrite=overwrite))
        if (failure := linked.refusal()) is not None:
            raise _refused(tree, channel, failure, target, overwrite=overwrite)
        removed.done()
        return
    (answer,) = channel.ask(*_naming(channel, source, target, overwrite=overwrite, plain=plain))[-1:]
    if (failure := answer.refusal()) is not None:
        raise _refused(tree, channel, failure, target, overwrite=overwrite)


def move_name(tree: Tree, channel: Channel, source: bytes, target: bytes, *, overwrite: bool, plain: bool) -> None:
    """Give a file the name of the target, and take its own away; of many that try, one does."""
    for left in reversed(range(_RACES)):
        (answer,) = channel.ask(*_naming(channel, source, target, overwrite=overwrite, plain=plain))[-1:]
        if (failure := answer.refusal()) is None:
            break
        reason = _refused(tree, channel, failure, target, overwrite=overwrite)
        if not (left and _is_free_again(reason, overwrite=overwrite)):
            raise reason
    if not overwrite and channel.offers(b"hardlink@openssh.com"):
        (removed,) = channel.ask(wire.remove(source))
        if (failure := removed.refusal()) is not None:
            channel.ask(wire.remove(target))  # another mover took the source, or it may not be taken
            raise failure


def _naming(channel: Channel, source: bytes, target: bytes, *, overwrite: bool, plain: bool) -> list[wire.Request]:
    """Return what names a file: in one step, or as well as a plain server can."""
    if overwrite:
        if channel.offers(b"posix-rename@openssh.com"):
            return [wire.replace(source, target)]
        if plain:
            return [wire.remove(target), wire.rename(source, target)]
        raise CapabilityNotSupported(NO_REPLACE)
    if channel.offers(b"hardlink@openssh.com"):
        return [wire.link(source, target)]
    if plain:
        return [wire.rename(source, target)]
    raise CapabilityNotSupported(NO_LINK)


def _refused(tree: Tree, channel: Channel, failure: Status, target: bytes, *, overwrite: bool) -> Exception:
    """Return what a refused name means; OpenSSH says «Failure» whatever the reason."""
    if failure.code not in (wire.FAILURE, wire.EXISTS, wire.DENIED):
        return failure
    try:
        check(tree.look(channel, target), overwrite=overwrite)
    except (RemoteStoreError, Status) as reason:
        return reason
    return failure


def _is_free_again(reason: BaseException, *, overwrite: bool) -> bool:
    """Say whether a name may have been taken when it was asked for, and have been found free after that."""
    return not overwrite and isinstance(reason, Status) and reason.code == wire.FAILURE


def open_draft(tree: Tree, key: str, options: PutOptions, made: list[bytes], *, durable: bool) -> tuple[Draft, bytes]:
    """Begin a file; return its draft and the path that it will have. Nothing that shows is changed by this."""
    try:
        for _ in range(_ROUNDS):
            channel = tree.channel()
            path = tree.path(key)
            old = tree.look(channel, path)
            check(old, overwrite=options.overwrite)
            draft = Draft(tree, channel, path, old, durable=durable)
            try:
                draft.open()
            except Status as status:
                if not is_missing(status):
                    raise
            else:
                return draft, path
            tree.make_folder(channel, folder_of(path), made)
    except BaseException as error:
        if isinstance(error, Lost):
            error.undone = True
        unmake(tree, made, error)
        raise
    raise NotFound("the folder is deleted again and again while the file is written")


def publish(
    tree: Tree, key: str, options: PutOptions, fill: Callable[[Draft], None], *, durable: bool, plain: bool
) -> FileInfo:
    """Write a file whole: all of it, or nothing."""
    made: list[bytes] = []
    for number in range(_ROUNDS):
        draft, path = open_draft(tree, key, options, made, durable=durable)
        named = False
        try:
            fill(draft)
            facts = draft.finish()
            named = True
            take_name(tree, draft.channel, draft.name, path, overwrite=options.overwrite, plain=plain)
            draft.let_be()
            return info_of(key, facts)
        except BaseException as error:
            if isinstance(error, Lost):
                error.undone = not named
            draft.drop()
            if isinstance(error, Status) and is_missing(error) and draft.channel.broken is None:
                continue  # the folder was deleted meanwhile
            if named and number < _RACES and _is_free_again(error, overwrite=options.overwrite):
                continue
            unmake(tree, made, error)
            raise
    raise NotFound("the folder is deleted again and again while the file is written")


def unmake(tree: Tree, made: list[bytes], reason: BaseException | None) -> None:
    """Delete folders that were made for nothing, unless the server has just fallen silent."""
    if made and not isinstance(reason, Silent) and not tree.session.closed:
        with suppress(Lost, RemoteStoreError):
            tree.unmake(tree.session.channel(), made)


class SFTPUpload:
    """A file being written in parts: a draft, until its commit names it."""

    def __init__(self, tree: Tree, key: str, options: PutOptions, *, durable: bool, plain: bool) -> None:
        self._made: list[bytes] = []
        self._draft: Draft | None = None
        self._draft, self._path = open_draft(tree, key, options, self._made, durable=durable)
        self._tree = tree
        self._key = key
        self._options = options
        self._plain = plain
        self._starts = [0]

    def _held(self) -> Draft:
        if self._draft is None:
            raise RemoteStoreError("this upload has ended")
        return self._draft

    async def part(self, number: int, data: Buffer) -> None:
        """Take one part; the same one again replaces itself."""
        if not 0 <= number < len(self._starts):
            raise ValueError(f"part {number} came before part {len(self._starts) - 1}")
        start = self._starts[number]
        self._held().write(data, start)
        if number + 1 == len(self._starts):
            self._starts.append(start + len(data))

    async def commit(self) -> FileInfo:
        """Publish the file."""
        draft = self._held()
        draft.replaces(self._tree.look(draft.channel, self._path))  # another version may have come since
        facts = draft.finish()
        try:
            move_name(
                self._tree, draft.channel, draft.name, self._path, overwrite=self._options.overwrite, plain=self._plain
            )
        except Status as status:
            if not is_missing(status):
                raise
            raise NotFound("the folder was deleted while the file was written") from status
        draft.let_be()
        self._draft = None
        return info_of(self._key, facts)

    async def abort(self) -> None:
        """Leave nothing behind."""
        draft, self._draft = self._draft, None
        if draft is not None:
            draft.drop()
            unmake(self._tree, self._made, draft.channel.broken)

    def __del__(self) -> None:
        if (draft := self.__dict__.get("_draft")) is not None:
            draft.forget(self._made)
