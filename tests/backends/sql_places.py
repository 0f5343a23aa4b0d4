"""Places for files on each database, and a relay that breaks a connection around its COMMIT."""

# ruff: noqa: S608  the tables are named here

import contextlib
import re
import socket
import sqlite3
import threading
import uuid

from remote_store.backends.sql import SqlBlobBackend

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


class CommitBreaker:
    """Forwards a port; once armed, it drops the connection that says COMMIT: before the server hears it, or after."""

    def __init__(self, to_port):
        self.armed = None
        self.broken = 0
        self._to_port = to_port
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):  # it has ended already
                each.shutdown(socket.SHUT_RDWR)  # close() alone leaves it open while a thread waits at it
            each.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to_port))
            self._sockets += [near, far]
            lost = threading.Event()
            threading.Thread(target=self._up, args=(near, far, lost), daemon=True).start()
            threading.Thread(target=self._down, args=(near, far, lost), daemon=True).start()

    def _up(self, near, far, lost):
        with contextlib.suppress(OSError):
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

    def _down(self, near, far, lost):
        with contextlib.suppress(OSError):
            while data := far.recv(1 << 16):
                if lost.is_set():  # the server has said that it is done
                    near.shutdown(socket.SHUT_RDWR)
                    return
                near.sendall(data)
            near.shutdown(socket.SHUT_WR)
