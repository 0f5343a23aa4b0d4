"""The process of the asyncssh server: `asyncssh_server.py FOLDER PORT USER`."""

import asyncio
import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path

import asyncssh

PASSWORD = "correct horse battery"
HOSTILE = "hostile"
PR_SET_PDEATHSIG = 1


class Login(asyncssh.SSHServer):
    """One user, by key or password."""

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == USER and password == PASSWORD


class Files(asyncssh.SFTPServer):
    """The files of this machine; a folder called `hostile` is listed with names that no folder holds."""

    async def scandir(self, path: bytes):  # type: ignore[no-untyped-def]
        async for name in super().scandir(path):
            yield name
        if path.endswith(HOSTILE.encode()):
            attrs = asyncssh.SFTPAttrs(size=1, uid=0, gid=0, permissions=0o100644, atime=0, mtime=0)
            for odd in (b"../escaped", b"a/b", b"nul\0nul", b"line\nfeed", b"back\\slash", b"..", b"\xff\xfe", b""):
                yield asyncssh.SFTPName(odd, b"", attrs)


async def main(folder: Path, port: int) -> None:
    await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=Login,
        server_host_keys=[str(folder / "host_key")],
        authorized_client_keys=str(folder / "authorized_keys"),
        sftp_factory=Files,
        allow_scp=False,
    )
    await load_all(folder, port)
    become_user()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def load_all(folder: Path, port: int) -> None:
    """Serve once, so that no module is loaded later: the user may not be able to read them."""
    key = str(folder / "client_key")
    options = {"username": USER, "client_keys": [key], "known_hosts": None, "config": None, "agent_path": None}
    async with asyncssh.connect("127.0.0.1", port, **options) as client, client.start_sftp_client() as files:
        await files.stat(str(folder))
        await files.listdir(str(folder))


def become_user() -> None:
    """Give up the rights of root, so that permissions mean something."""
    if os.geteuid() != 0:
        return
    entry = pwd.getpwnam(USER)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # the change of user has cleared it


if __name__ == "__main__":
    USER = sys.argv[3]
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
