"""Database servers: PostgreSQL and MariaDB, each with a password, and databases of one's own on them."""

import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.servers.process import LOOPBACK, Server, ServerError, accepts, find_program, free_ports

USER, PASSWORD = "tests", "pass-word of/the:tests"


@dataclass(frozen=True)
class SqlServer:
    """Where a database server is and who may use it."""

    dialect: str
    port: int
    user: str = USER
    password: str = PASSWORD

    def connect(self, database: str = "") -> Any:
        """A bare connection that commits each statement, to look from the other side."""
        options = {"host": LOOPBACK, "port": self.port, "user": self.user, "password": self.password}
        if self.dialect == "postgresql":
            import psycopg

            return psycopg.connect(**options, dbname=database or "postgres", autocommit=True)  # type: ignore[arg-type]
        import pymysql

        return pymysql.connect(**options, database=database or None, autocommit=True)

    def make_database(self) -> str:
        """A database nobody else has."""
        name = f"db_{uuid.uuid4().hex[:12]}"
        with contextlib.closing(self.connect()) as connection, contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return name

    def url(self, database: str, *, port: int = 0, user: str = "") -> str:
        """A URL without the password."""
        return f"{self.dialect}://{user or self.user}@{LOOPBACK}:{port or self.port}/{database}"

    def environment(self) -> dict[str, str]:
        """The URL of a fresh database, and its password."""
        name = self.dialect.upper()
        return {f"{name}_URL": self.url(self.make_database()), f"{name}_PASSWORD": self.password}


class _Database(Server):
    """A server that refuses to run as root."""

    users: ClassVar[tuple[str, ...]]  # the first that is there runs it, where the tests are root's
    ready: ClassVar[str]

    def identity(self) -> dict[str, Any]:
        if os.geteuid():
            return {}
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = known[next(name for name in (*self.users, "nobody") if name in known)]
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _own(self) -> None:
        if identity := self.identity():
            for path in (self.folder, *self.folder.rglob("*")):
                shutil.chown(path, identity["user"], identity["group"])

    def _run(self, program: str, *arguments: str) -> None:
        found = find_program(program)
        if found is None:
            message = f"the server {self.name} is missing: {program} comes with {self.install}"
            raise ServerError(message)
        self._own()
        done = subprocess.run(
            [found, *arguments],
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.folder), "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **self.identity(),
        )
        if done.returncode:
            message = f"{program} ended with {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-1000:]}"
            raise ServerError(message)

    def is_ready(self) -> bool:
        return self.ready in self.log and accepts(self._port)

    _port: int


def _postgres(program: str) -> str:
    """A program of PostgreSQL, which Debian keeps beside the version."""
    found = glob.glob(f"/usr/lib/postgresql/*/bin/{program}")  # noqa: PTH207 - a list of texts
    return max(found, key=lambda path: int(re.findall(r"\d+", path)[0]), default=program)


class PostgreSQL(_Database):
    """One PostgreSQL; its texts compare as people sort them, which keys must not."""

    name = "postgresql"
    program = _postgres("postgres")
    install = "the Debian package postgresql: `make test` as root installs it"
    users = ("postgres",)
    ready = "database system is ready to accept connections"

    def command(self) -> list[str]:
        (self._port,) = free_ports(1)
        (self.folder / "password").write_text(f"{PASSWORD}\n")
        data = str(self.folder / "data")
        options = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync"]
        secret = ["--auth=scram-sha-256", f"--username={USER}", f"--pwfile={self.folder / 'password'}"]
        self._run(_postgres("initdb"), f"--pgdata={data}", *options, *secret)
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self._port,
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": 200,
            "shared_buffers": "64MB",
            "dynamic_shared_memory_type": "mmap",  # in the folder, where it ends with it
        }
        return ["-D", data, *(f"--{name}={value}" for name, value in settings.items())]

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # at once, but without leaving shared memory behind
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        super().stop()

    @property
    def address(self) -> SqlServer:
        return SqlServer("postgresql", self._port)


class MariaDB(_Database):
    """One MariaDB, with its default collations."""

    name = "mariadb"
    program = "mariadbd"
    install = "the Debian package mariadb-server: `make test` as root installs it"
    users = ("mysql",)
    ready = "ready for connections"

    def command(self) -> list[str]:
        (self._port,) = free_ports(1)
        data = f"--datadir={self.folder / 'data'}"
        self._run("mariadb-install-db", "--no-defaults", data, "--skip-test-db", "--skip-name-resolve")
        secret = PASSWORD.replace("'", "''")
        first = [
            f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{secret}'",
            f"GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION",
        ]
        (self.folder / "first.sql").write_text("".join(f"{statement};\n" for statement in first))
        self._own()
        settings = {
            "port": self._port,
            "bind-address": LOOPBACK,
            "socket": self.folder / "socket",
            "pid-file": self.folder / "pid",
            "init-file": self.folder / "first.sql",
            "innodb-flush-log-at-trx-commit": 2,
            "innodb-buffer-pool-size": "64M",
            "max-connections": 300,
        }
        return [
            "--no-defaults",
            data,
            "--skip-name-resolve",
            "--skip-log-bin",
            *(f"--{name}={value}" for name, value in settings.items()),
        ]

    @property
    def address(self) -> SqlServer:
        return SqlServer("mysql", self._port)
