"""Files from one store to another, through this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store import Capability, CapabilityNotSupported, NotFound, PreconditionFailed

if TYPE_CHECKING:
    from remote_store import Store, WriteResult

__all__ = ["copy_between", "move_between"]


def copy_between(source: Store, path: str, target: Store, target_path: str, *, overwrite: bool = False) -> WriteResult:
    """Copy a file from one store to another in constant memory; metadata travels where both stores keep it.

    Where both lead to the same file, nothing is done, or refused without ``overwrite``: as within one store.

    Raises:
        remote_store.NotFound: no file is at ``path``.
        remote_store.AlreadyExists: a file is at ``target_path`` and ``overwrite`` is False.
    """
    if overwrite and (same := _same(source, path, target, target_path)):
        return same
    # Asked of the target alone: a store that is opened read-only no longer tells that it keeps any.
    info = source.get_file_info(path) if target.supports(Capability.USER_METADATA) else None
    with source.read(path) as reader:
        return target.write(
            target_path,
            reader,
            overwrite=overwrite,
            metadata=info.metadata or None if info else None,
            content_type=info.content_type if info else None,
        )


def move_between(source: Store, path: str, target: Store, target_path: str, *, overwrite: bool = False) -> WriteResult:
    """Copy a file to another store, then delete it if it did not change meanwhile; where both are one, do nothing.

    Raises:
        remote_store.NotFound: no file is at ``path``.
        remote_store.AlreadyExists: a file is at ``target_path`` and ``overwrite`` is False.
        remote_store.PreconditionFailed: the file changed while it was copied; it stays, and so does the copy.
        remote_store.CapabilityNotSupported: nothing can be deleted in the source; nothing is copied.
    """
    if not source.supports(Capability.DELETE):
        raise CapabilityNotSupported("a store without DELETE cannot be moved from; copy instead", path=path)
    if overwrite and (same := _same(source, path, target, target_path)):
        return same
    before = source.head(path)
    done = copy_between(source, path, target, target_path, overwrite=overwrite)
    try:
        after = source.head(path)
    except NotFound:
        return done  # somebody else deleted it; the copy is whole
    # The copy itself may have changed it: another address, or another connection, can lead to the same file.
    if after != before or done.size != before.size:
        raise PreconditionFailed("the file changed while it was copied; it stays, and so does the copy", path=path)
    source.delete(path, if_match=before.etag if source.supports(Capability.COMPARE_AND_SWAP) else None)
    return done


def _same(source: Store, path: str, target: Store, target_path: str) -> WriteResult | None:
    """The facts of the file if both names lead to the same one, as far as both stores tell."""
    if source.native_path(path) != target.native_path(target_path):
        return None
    try:
        there = target.head(target_path)
    except NotFound:
        return None
    here = source.head(path)
    return there if here._replace(key=there.key) == there else None
