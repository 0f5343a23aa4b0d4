"""What a store can do, as facts that a caller can ask for before relying on them."""

from __future__ import annotations

from enum import Enum

__all__ = ["Capability"]


class Capability(Enum):
    """One ability of a store; ``store.supports(Capability.MOVE)`` asks for it."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    LIST = "list"
    GLOB = "glob"
    MOVE = "move"
    COPY = "copy"
    ATOMIC_WRITE = "atomic_write"
    """A reader sees the old file or the new one, never a part."""
    ATOMIC_MOVE = "atomic_move"
    """A move is one step; without it a move is a proven copy followed by a delete."""
    METADATA = "metadata"
    """Size and time of change, of files and folders."""
    USER_METADATA = "user_metadata"
    """``metadata=`` and ``content_type=`` are kept with the file."""
    SEEKABLE_READ = "seekable_read"
    LAZY_READ = "lazy_read"
    """A read moves only the bytes that are asked for."""
    WRITE_RESULT_NATIVE = "write_result_native"
    """The result of a write comes from the write's own answer."""
    EXCLUSIVE_CREATE = "exclusive_create"
    """Of N writers racing with ``overwrite=False`` exactly one wins."""
    COMPARE_AND_SWAP = "compare_and_swap"
    """``if_match=`` replaces a file only if it is still the version that was read."""
    PRESIGN = "presign"
    VERSIONS = "versions"
    SERVER_COPY = "server_copy"
    """A copy moves no byte through this process."""

    # Identity is enough for singletons, and ten times faster than Enum's own hash by name.
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Capability.{self.name}"
