"""How a server is reached: address, identity and trust, as the options of a backend say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from remote_store._arguments import check_age, check_choice, check_flag, check_seconds, check_texts
from remote_store.errors import ConfigError

if TYPE_CHECKING:
    from remote_store.secret import Secret

__all__ = ["Access"]

_ODD = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff]").search
_PIN = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?").fullmatch
_TEXTS = ("host", "user", "key_file", "known_hosts", "fingerprint")


def _is_unicode(secret: Secret) -> bool:
    return re.search("[\ud800-\udfff]", secret.reveal()) is None


class Access(NamedTuple):
    """The options of an SFTPBackend that say how to reach its server."""

    host: str
    port: int
    user: str | None
    password: Secret | None
    key_file: str | None
    key: Secret | None
    passphrase: Secret | None
    agent: bool
    known_hosts: str | None
    fingerprint: str | None
    trust: str
    accept_any_host_key: bool
    transport: str
    channels: int
    connect_timeout: float
    read_timeout: float
    keepalive: float

    def check(self) -> None:
        """Refuse what cannot be meant, before any I/O."""
        self._check_names()
        for name in ("agent", "accept_any_host_key"):
            check_flag(name, getattr(self, name))
        for name, least, most in (("port", 1, 65535), ("channels", 1, 64)):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int):
                raise TypeError(f"{name} is an int, not {type(number).__name__}")
            if not least <= number <= most:
                raise ValueError(f"{name} is a number from {least} to {most}, not {number}")
        check_seconds(connect_timeout=self.connect_timeout, read_timeout=self.read_timeout)
        if check_age("keepalive", self.keepalive) != 0:
            check_seconds(keepalive=self.keepalive)
        self._check_trust()
        self._check_transport()

    def _check_names(self) -> None:
        check_texts("host", **{name: getattr(self, name) for name in _TEXTS})
        if not self.host or self.host.startswith("-") or _ODD(self.host) or "@" in self.host or "/" in self.host:
            raise ConfigError(f"host is the name or address of a machine, not {self.host!r}")
        try:
            self.host.encode("idna")
        except UnicodeError:
            raise ConfigError(f"host is the name or address of a machine, not {self.host!r}") from None
        if self.user is not None and (not self.user or self.user.startswith("-") or _ODD(self.user)):
            raise ConfigError("user is a login name, without spaces and without '-' in front")
        if self.key is not None and self.key_file is not None:
            raise ConfigError("key and key_file exclude each other: a private key's text, or the path of its file")
        if self.passphrase is not None and self.key is None and self.key_file is None:
            raise ConfigError("passphrase belongs to key or key_file")
        for name in ("password", "key", "passphrase"):
            if (secret := getattr(self, name)) is not None and not _is_unicode(secret):
                raise ConfigError(f"{name} holds a lone surrogate, as undecoded bytes become; it has no UTF-8 form")

    def _check_trust(self) -> None:
        check_choice("trust", self.trust, ("known", "tofu"))
        ways = (self.fingerprint is not None) + (self.trust == "tofu") + self.accept_any_host_key
        if ways > 1:
            raise ConfigError("fingerprint, trust='tofu' and accept_any_host_key exclude each other")
        if self.fingerprint is not None and not all(map(_PIN, self.pins())):
            raise ConfigError("fingerprint is 'SHA256:' and 43 characters, as ssh-keygen -l shows it; commas between")

    def _check_transport(self) -> None:
        check_choice("transport", self.transport, ("paramiko", "ssh"))
        if self.transport == "ssh":
            own = ("password", "key", "passphrase", "fingerprint")
            given = [name for name in own if getattr(self, name) is not None]
            if given or not self.agent:
                name = given[0] if given else "agent"
                raise ConfigError(f"{name} is for transport='paramiko': ssh has its own configuration and agent")

    def pins(self) -> list[str]:
        """Return the pinned fingerprints, without padding."""
        return [pin.strip().rstrip("=") for pin in (self.fingerprint or "").split(",") if pin.strip()] or [""]

    @property
    def place(self) -> str:
        """The server, as known_hosts files and messages name it."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"
