"""Whether the server is the one that is meant: known_hosts files, pinned fingerprints, trust on first use."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import warnings
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from remote_store.errors import PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remote_store.backends.sftp.access import Access

__all__ = ["fingerprint_of", "known_types", "verify", "warn_unchecked"]

_SYSTEM = "/etc/ssh/ssh_known_hosts"
_OWN = "~/.ssh/known_hosts"
_writing = Lock()


class Known(NamedTuple):
    """One line of a known_hosts file that is about the server."""

    kind: str
    key: bytes
    revoked: bool


def fingerprint_of(key: bytes) -> str:
    """Return the fingerprint of a public key as OpenSSH shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def known_types(access: Access) -> list[str]:
    """Return the types of keys that the server is known by, to be negotiated first."""
    if access.fingerprint is not None or access.accept_any_host_key:
        return []
    return [known.kind for known in _known(access) if not known.revoked]


def verify(access: Access, kind: str, key: bytes) -> None:
    """Prove that a key is the server's.

    Raises:
        PermissionDenied: it is unknown, another one than is known, or revoked.
    """
    seen = fingerprint_of(key)
    if access.accept_any_host_key:
        warn_unchecked(access)
        return
    if access.fingerprint is not None:
        if not any(hmac.compare_digest(seen, pin) for pin in access.pins()):
            raise PermissionDenied(f"the host key of {access.place} is {seen}, which is not the pinned one")
        return
    found = list(_known(access))
    if any(known.revoked and known.key == key for known in found):
        raise PermissionDenied(f"the host key of {access.place}, {seen}, is marked as revoked")
    found = [known for known in found if not known.revoked]
    if any(known.key == key for known in found):
        return
    if found:
        raise PermissionDenied(
            f"the host key of {access.place} has changed: it is {kind} {seen}, which known_hosts does not hold for it; "
            "if the server was set up anew, remove the old line"
        )
    if access.trust != "tofu":
        raise PermissionDenied(
            f"the host key of {access.place} is unknown: {kind} {seen}; compare it, then add it to known_hosts or pass "
            "fingerprint=…"
        )
    _remember(access, kind, key)


def warn_unchecked(access: Access) -> None:
    """Say that a server is taken for what it says."""
    message = f"the host key of {access.place} is not checked: anybody may answer in the server's place"
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def _files(access: Access) -> list[Path]:
    if access.known_hosts is not None:
        return [expanded(access.known_hosts)]
    return [expanded(_OWN), Path(_SYSTEM)]


def expanded(name: str) -> Path:
    """Return a path in which "~" is the home folder; it stays as it is for users who have none."""
    return Path(os.path.expanduser(name))  # noqa: PTH111  that of a Path raises there


def _known(access: Access) -> Iterator[Known]:
    for file in _files(access):
        try:
            text = file.read_text(errors="replace")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise PermissionDenied(f"the host keys in {str(file)!r} cannot be read: {error.strerror}") from error
        for line in text.splitlines():
            known = _parsed(line, access.place)
            if known is not None:
                yield known


def _parsed(line: str, place: str) -> Known | None:
    """Return what a line says of a server; None if that is nothing."""
    fields = line.split()
    marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
    if len(fields) < 3 or fields[0].startswith("#") or marker not in ("", "@revoked"):
        return None
    names, kind, encoded = fields[:3]
    if not _matches(names, place):
        return None
    try:
        return Known(kind, base64.b64decode(encoded, validate=True), marker == "@revoked")
    except binascii.Error:
        return None


def _matches(names: str, place: str) -> bool:
    if names.startswith("|1|"):
        try:
            salt, digest = (base64.b64decode(part) for part in names[3:].split("|"))
        except ValueError:
            return False
        return hmac.compare_digest(hmac.new(salt, place.encode(), hashlib.sha1).digest(), digest)
    matched = False
    for name in names.lower().split(","):
        pattern = name.removeprefix("!").replace("[", "[[]")
        if fnmatchcase(place.lower(), pattern):
            if name.startswith("!"):
                return False
            matched = True
    return matched


def _remember(access: Access, kind: str, key: bytes) -> None:
    """Keep the key of a server that was never seen before."""
    file = _files(access)[0]
    line = f"{access.place} {kind} {base64.b64encode(key).decode()}\n"
    try:
        with _writing:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with file.open("a+b") as known:
                known.seek(0, 2)
                if known.tell():
                    known.seek(-1, 2)
                    if known.read(1) != b"\n":
                        line = "\n" + line
                known.write(line.encode())
    except OSError as error:
        message = f"the host key of {access.place} is new and cannot be kept in {str(file)!r}: {error.strerror}"
        raise PermissionDenied(message) from error
