"""Places for files on each database, and a relay that breaks a connection around its COMMIT."""

# ruff: noqa: S608  the tables are named here

import contextlib
import re
import socket
import sqlite3
import threading
import uuid

from remote_store.backends.sql import SqlBlobBackend
from tests.backends.taking import Relay

COMMIT = re.compile(rb"COMMIT(?!TED)").search
KINDS = ["sqlite", "postgresql", "mariadb"]


class Place:
    """Tables of one's own on a database, and a bare connection to look from the other side."""

    def __init__(self, kind, file=None, server=None, database=None):
        self.kind, self.file, self.server, self.database = kind, file, server, database
        self.table = f"t_{uuid.uuid4().hex[:12]}"

    @property
    def url(self):
        return f"sqlite:///{self.file}" if self.kind == "sqlite" else self.server.url(self.database)

    def backend(self, port=0, **options):
        if self.kind == "sqlite":
            return SqlBlobBackend(self.url, **{"table": self.table} | options)
        url = self.server.url(self.database, port=port)
        return SqlBlobBackend(url, **{"table": self.table, "password": self.server.password} | options)

    def connect(self):
        if self.kind == "sqlite":
            return sqlite3.connect(self.file, isolation_level=None)
        return self.server.connect(self.database)

    def rows(self, statement):
        with contextlib.closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return list(cursor.fetchall())

    def run(self, statement):
        with contextlib.closing(self.connect()) as connection:
            connection.cursor().execute(statement)

    def litter(self):
        """Name open uploads, and pieces that belong to no file."""
        kept = f"SELECT object FROM {self.table} WHERE object IS NOT NULL"
        return [
            *self.rows(f"SELECT object FROM {self.table}_uploads"),
            *self.rows(f"SELECT object FROM {self.table}_chunks WHERE object NOT IN ({kept})"),
        ]


def place_of(kind, request, tmp_path):
    """Make a place on a database of a kind."""
    if kind == "sqlite":
        return Place(kind, file=tmp_path / "files.db")
    server = request.getfixturevalue(kind)
    return Place(kind, server=server, database=request.getfixturevalue(f"{kind}_database"))


class CommitBreaker(Relay):
    """Forwards a port; once armed, it drops the connection that says COMMIT: before the server hears it, or after."""

    def __init__(self, to_port):
        self.armed = None
        self.broken = 0
        super().__init__(to_port)

    def forward(self, near, far):
        lost = threading.Event()
        self._start(self._down, near, far, lost)
        self._up(near, far, lost)

    def _up(self, near, far, lost):
        while data := near.recv(1 << 16):
            if self.armed is not None and COMMIT(data):
                when, self.armed = self.armed, None
                self.broken += 1
                lost.set()
                if when == "after":
                    far.sendall(data)
                    continue
                far.shutdown(socket.SHUT_RDWR)
                near.shutdown(socket.SHUT_RDWR)
                return
            far.sendall(data)
        far.shutdown(socket.SHUT_WR)

    @staticmethod
    def _down(near, far, lost):
        while data := far.recv(1 << 16):
            if lost.is_set():  # the server has said that it is done
                near.shutdown(socket.SHUT_RDWR)
                return
            near.sendall(data)
        near.shutdown(socket.SHUT_WR)
