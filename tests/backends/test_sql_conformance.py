"""The tables of each database under the conformance kit, in both colours."""

# ruff: noqa: S608  the tables are named here

import contextlib
import sqlite3
import uuid

import pytest

from remote_store.backends.sql import SqlBlobBackend
from remote_store.testing import Conformance


def litter(connection, table):
    """Name the uploads that never ended, and pieces that belong to no file."""
    cursor = connection.cursor()
    cursor.execute(f"SELECT object FROM {table}_uploads")
    found = cursor.fetchall()
    cursor.execute(
        f"SELECT object FROM {table}_chunks WHERE object NOT IN (SELECT object FROM {table} WHERE object IS NOT NULL)"
    )
    found += cursor.fetchall()
    return [token for (token,) in found]


class TestSqlite(Conformance):
    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.file = tmp_path / "files.db"

    def make_backend(self):
        return SqlBlobBackend(f"sqlite:///{self.file}")

    def litter(self, backend):
        if not self.file.exists():
            return []
        with contextlib.closing(sqlite3.connect(self.file)) as database:
            return litter(database, "remote_store")


class OnServer(Conformance):
    many = 1010
    missing: tuple[str, ...]

    def place(self, server, database):
        self.server, self.database = server, database
        self.table = f"t_{uuid.uuid4().hex[:12]}"

    def make_backend(self):
        url = self.server.url(self.database)
        return SqlBlobBackend(url, password=self.server.password, table=self.table)

    def litter(self, backend):
        with contextlib.closing(self.server.connect(self.database)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT 1 FROM information_schema.tables WHERE table_name = %s", (f"{self.table}_schema",))
            return litter(connection, self.table) if cursor.fetchall() else []


class TestPostgresql(OnServer):
    @pytest.fixture(autouse=True)
    def _place(self, postgresql, postgresql_database):
        self.place(postgresql, postgresql_database)


class TestMariadb(OnServer):
    @pytest.fixture(autouse=True)
    def _place(self, mariadb, mariadb_database):
        self.place(mariadb, mariadb_database)
