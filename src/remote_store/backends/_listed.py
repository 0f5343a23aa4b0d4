"""What listings of object stores have in common: keys that no path can name, and the order of entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remote_store.backend import FolderEntry
from remote_store.errors import InvalidPath
from remote_store.path import parse_folder

if TYPE_CHECKING:
    from remote_store.backend import Entry

__all__ = ["is_normal", "order", "plain"]


def order(entry: Entry) -> str:
    """Return what an entry is sorted by: a folder by its key with a slash behind it."""
    return f"{entry[0]}/" if type(entry) is FolderEntry else entry[0]


def is_normal(key: str) -> bool:
    """Say whether a path can name this key."""
    try:
        return parse_folder(key) != ""
    except InvalidPath:
        return False


_ENTITIES = (("&quot;", '"'), ("&#34;", '"'), ("&#39;", "'"), ("&apos;", "'"), ("&lt;", "<"), ("&gt;", ">"))


def plain(text: str) -> str:
    """Return the text of an XML element; the five entities that need no declaration are all that services use."""
    if "&" not in text:
        return text
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text.replace("&amp;", "&")
