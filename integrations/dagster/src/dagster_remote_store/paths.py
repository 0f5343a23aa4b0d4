"""Where values lie: the layout of Dagster's UPathIOManager, so that files stay readable both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from remote_store import InvalidPath, RemotePath

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["partition_key_path", "partition_paths", "value_path"]


def value_path(context: dg.InputContext | dg.OutputContext) -> str:
    """Return the path of an asset or of an op's output, without partition and suffix.

    Raises:
        InvalidPath: a name in it cannot be part of a path.
    """
    parts = context.asset_key.path if context.has_asset_key else context.get_identifier()
    path = "/".join([_escaped(part) for part in parts])
    what = f"asset {context.asset_key.to_user_string()!r}" if context.has_asset_key else f"output {path!r}"
    return _checked(path, what)


def partition_key_path(partition: str) -> str:
    """Return a partition's path below its asset: the key, or the keys of its dimensions in order of their names."""
    if isinstance(partition, dg.MultiPartitionKey):
        partition = "/".join([key for _, key in sorted(partition.keys_by_dimension.items())])
    return _escaped(partition)


def partition_paths(folder: str, partitions: Iterable[str]) -> dict[str, str]:
    """Return the path of each partition of an asset, without suffix.

    Raises:
        InvalidPath: a partition's key cannot be part of a path, or two would be one file.
    """
    found: dict[str, str] = {}
    taken: dict[str, str] = {}
    for partition in partitions:
        path = f"{folder}/{_checked(partition_key_path(partition), f'partition {str(partition)!r}')}"
        other = taken.setdefault(path, partition)
        if other != partition:
            first, second = sorted((str(other), str(partition)))  # Dagster hands them over in any order
            raise InvalidPath(f"partitions {first!r} and {second!r} would be the same file", path=path)
        found[partition] = path
    return found


def _escaped(part: str) -> str:
    return "%2F" + part[1:] if part.startswith("/") else part


def _checked(path: str, what: str) -> str:
    try:
        return str(RemotePath(path))
    except InvalidPath as error:
        raise InvalidPath(f"{what} cannot be stored: {error.message}", path=path) from None
