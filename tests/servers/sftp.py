"""SFTP servers: OpenSSH's sshd, and asyncssh's as a second opinion that also knows passwords."""

import os
import pwd
import resource
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.process import LOOPBACK, Server, accepts, free_ports

SSHD = """
Port {port}
ListenAddress {host}
HostKey {folder}/host_key
PidFile none
UsePAM {pam}
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile {folder}/authorized_keys
Subsystem sftp internal-sftp
MaxStartups 100
MaxSessions 10
UseDNS no
LogLevel ERROR
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
"""
"""The key exchange that OpenSSH and paramiko share: that of the program ssh by default takes it 0.1 s a connection."""
NOBODY = "nobody"


@dataclass(frozen=True)
class SFTPAddress:
    """Where an SFTP server is, who may use it, and the folder of this machine in which places are made."""

    host: str
    port: int
    user: str
    key_file: str
    fingerprint: str
    host_key: str
    folder: str
    password: str | None = None

    def environment(self) -> dict[str, str]:
        """Who is to be asked how, and SFTP_ROOT with a fresh folder, which the first file makes."""
        return {
            "SFTP_HOST": self.host,
            "SFTP_PORT": str(self.port),
            "SFTP_USER": self.user,
            "SFTP_KEY": self.key_file,
            "SFTP_FINGERPRINT": self.fingerprint,
            "SFTP_ROOT": self.make_place(),
        }

    def make_place(self) -> str:
        """The path of a folder nobody else has, not made yet."""
        return str(Path(self.folder) / uuid.uuid4().hex)

    def own(self, path: Path | str) -> None:
        """Give what a test made to the server's user."""
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)

    def options(self, **others: Any) -> dict[str, Any]:
        """The options of a backend that logs in by key, in a fresh place."""
        access = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "key_file": self.key_file,
            "fingerprint": self.fingerprint,
            "root": self.make_place(),
        }
        return access | others


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> str:
    """Make a key pair; return its fingerprint."""
    size = ["-b", "2048"] if kind == "rsa" else []
    make = ["ssh-keygen", "-q", "-t", kind, *size, "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
    shown = subprocess.run(["ssh-keygen", "-l", "-f", f"{path}.pub"], check=True, capture_output=True, text=True)
    return shown.stdout.split()[1]


class SFTPServer(Server):
    """What both servers share: keys, a folder of files, and a user without rights where tests run as root."""

    user: str

    def prepare(self) -> None:
        (self._port,) = free_ports(1)
        self.fingerprint = make_key(self.folder / "host_key")
        make_key(self.folder / "client_key")
        (self.folder / "authorized_keys").write_text((self.folder / "client_key.pub").read_text())
        (self.folder / "files").mkdir()
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            self.user = NOBODY
            entry = pwd.getpwnam(NOBODY)
            for path in (self.folder, self.folder / "files", self.folder / "host_key"):
                os.chown(path, entry.pw_uid, entry.pw_gid)
            (self.folder / "authorized_keys").chmod(0o644)

    def is_ready(self) -> bool:
        return accepts(self._port)

    @property
    def address(self) -> SFTPAddress:
        return SFTPAddress(
            LOOPBACK,
            self._port,
            self.user,
            str(self.folder / "client_key"),
            self.fingerprint,
            (self.folder / "host_key.pub").read_text().strip(),
            str(self.folder / "files"),
            getattr(self, "password", None),
        )


class OpenSSH(SFTPServer):
    """sshd with its own SFTP server; where tests run as root it changes to its user at each login."""

    name = "sshd"
    program = "sshd"
    install = "the Debian package openssh-server: `make test` as root installs it"

    def command(self) -> list[str]:
        self.prepare()
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it insists on it
        pam = "no" if os.geteuid() == 0 else "yes"  # without either it takes users for locked
        text = SSHD.format(folder=self.folder, host=LOOPBACK, port=self._port, pam=pam)
        (self.folder / "sshd.conf").write_text(text)
        return ["-D", "-e", "-f", str(self.folder / "sshd.conf")]

    def may_open(self, files: int) -> None:
        """Let those who log in from now on have so many files open at most."""
        assert self._process is not None
        resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (files, files))


class AsyncSSH(SFTPServer):
    """The server of asyncssh: keys and a password. It becomes its user by itself, once it has loaded what it needs."""

    name = "asyncssh"
    program = "python"
    install = "the wheel asyncssh: `make test`"
    password = "correct horse battery"

    def command(self) -> list[str]:
        self.prepare()
        script = Path(__file__).with_name("asyncssh_server.py")
        return [str(script), str(self.folder), str(self._port), self.user]

    def is_ready(self) -> bool:
        return "ready" in self.log
