"""Names of metadata: Azure takes only identifiers, so what is none is written in the way of XML names.

``content-hash`` is kept as ``content_x002d_hash``, ``2nd`` as ``_x0032_nd``, the form that .NET's ``XmlConvert`` has.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FOLDER", "decoded", "encoded", "is_folder"]

FOLDER = "hdi_isfolder"
"""The metadata by which Azure and its tools mark a blob as a folder."""

_odd = re.compile(r"-|^[0-9]|_(?=x[0-9a-f]{4}_)").sub
_written = re.compile(r"_x([0-9a-f]{4})_").sub


def encoded(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata under names that Azure takes."""
    return {_odd(lambda found: f"_x{ord(found[0]):04x}_", name): value for name, value in metadata.items()}


def decoded(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata under the names that the user gave."""
    return {_written(lambda found: chr(int(found[1], 16)), name.lower()): value for name, value in metadata.items()}


def is_folder(metadata: Mapping[str, str] | None) -> bool:
    """Say whether the metadata is that of a folder."""
    return metadata is not None and metadata.get(FOLDER, "").lower() == "true"
