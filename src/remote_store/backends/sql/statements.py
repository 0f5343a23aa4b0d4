"""Every statement of the backend, written once and worded for its database."""

# ruff: noqa: S608  names are checked before they come here, and every value is bound

from __future__ import annotations

from typing import Any

__all__ = ["VERSION", "Statements"]

VERSION = 1
"""Of the tables' shape; a database that says more was made by a newer library."""

_FACTS = "size, modified, etag, content_type, metadata"

_TYPES = {
    # Keys compare byte by byte everywhere: the order of listings, and no two keys that count as one.
    "sqlite": {"key": "TEXT", "text": "TEXT", "long": "INTEGER", "real": "REAL", "blob": "BLOB", "end": ""},
    "postgresql": {
        "key": 'TEXT COLLATE "C"',
        "text": "TEXT",
        "long": "BIGINT",
        "real": "DOUBLE PRECISION",
        "blob": "BYTEA",
        "end": "",
    },
    "mysql": {
        "key": "VARBINARY(1024)",
        "text": "BLOB",
        "long": "BIGINT",
        "real": "DOUBLE",
        "blob": "MEDIUMBLOB",
        "end": " ENGINE=InnoDB ROW_FORMAT=DYNAMIC",
    },
}
_INTEGER = {"sqlite": "INTEGER", "postgresql": "INTEGER", "mysql": "SIGNED"}
_BEGIN = {
    "sqlite": ("BEGIN IMMEDIATE",),
    "postgresql": ("BEGIN ISOLATION LEVEL READ COMMITTED",),
    # With its default, InnoDB locks gaps between keys, and writers of new keys end in deadlocks.
    "mysql": ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION"),
}
_SNAPSHOT = {
    "sqlite": ("BEGIN",),
    "postgresql": ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    "mysql": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION READ ONLY"),
}


class Statements:
    """The statements for one set of tables."""

    def __init__(self, dialect: str, table: str, schema: str | None, paramstyle: str) -> None:
        quote = "`" if dialect == "mysql" else '"'
        self.mark = "?" if paramstyle == "qmark" else "%s"
        self.dialect = dialect
        self.table = table
        place = f"{quote}{schema}{quote}." if schema else ""
        self.files, self.chunks, self.uploads, self.schema = (
            f"{place}{quote}{table}{part}{quote}" for part in ("", "_chunks", "_uploads", "_schema")
        )
        # As digits: the drivers of MySQL escape bytes one by one, which takes longer than sending twice as much.
        self.bytes = "UNHEX(?)" if dialect == "mysql" else "?"
        self.begin = _BEGIN[dialect]
        self.snapshot = _SNAPSHOT[dialect]
        """Begins a transaction that sees the tables as they are at its first look."""
        self.lock = "" if dialect == "sqlite" else " FOR UPDATE"
        self._reading()
        self._publishing()
        self._rest()

    def _reading(self) -> None:
        files = self.files
        self.stat = self.worded(f"SELECT {_FACTS} FROM {files} WHERE path = ?")
        self.get = self.worded(f"SELECT {_FACTS}, object, content FROM {files} WHERE path = ?")
        self.get_span = self.worded(f"SELECT {_FACTS}, object, substr(content, ?, ?) FROM {files} WHERE path = ?")
        page = f"SELECT path, {_FACTS} FROM {files} WHERE path > ?"
        self.page = self.worded(f"{page} ORDER BY path LIMIT ?")
        self.page_until = self.worded(f"{page} AND path < ? ORDER BY path LIMIT ?")
        before = f"FROM {self.chunks} WHERE object = ? AND start <= ? ORDER BY start DESC LIMIT 1"
        within = f"substr(content, CAST(? - start + 1 AS {_INTEGER[self.dialect]}), ?)"
        self.piece = self.worded(f"SELECT {within} {before}")
        self.chunk_row = self.worded(f"SELECT rowid, start, length(content) {before}")

    def _publishing(self) -> None:
        files = self.files
        columns = f"path, {_FACTS}, object, content"
        self.insert = self.worded(f"INSERT INTO {files} ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, {self.bytes})")
        facts = "size = ?, modified = ?, etag = ?, content_type = ?, metadata = ?"
        self.update = self.worded(f"UPDATE {files} SET {facts}, object = ?, content = {self.bytes} WHERE path = ?")
        # Content in the row itself is replaced by one statement; pieces elsewhere are another matter.
        small = "object IS NULL"
        self.swap_small = self.worded(f"{self._plain(self.update)} AND etag = ? AND {small}")
        self.update_small = self.worded(f"{self._plain(self.update)} AND {small}")
        if self.dialect == "mysql":
            self.create, self.replace = self.insert, None
        else:
            self.create = f"{self.insert} ON CONFLICT (path) DO NOTHING"
            names = [name.strip() for name in f"{_FACTS}, content".split(",")]
            taken = ", ".join(f"{name} = excluded.{name}" for name in names)
            self.replace = f"{self.insert} ON CONFLICT (path) DO UPDATE SET {taken} WHERE {files}.{small}"
        self.hold = self.worded(f"SELECT etag, object FROM {files} WHERE path = ?") + self.lock
        both = f"SELECT path, {_FACTS}, object FROM {files} WHERE path IN (?, ?) ORDER BY path"
        self.hold_both = self.worded(both) + self.lock
        same = "size, ?, etag, content_type, metadata"
        copied = f"INSERT INTO {files} ({columns}) SELECT ?, {same}, object, content FROM {files} WHERE path = ?"
        self.copy_small = self.worded(f"{copied} AND {small}")
        self.rename = self.worded(f"UPDATE {files} SET path = ? WHERE path = ?")

    def _rest(self) -> None:
        files, chunks, uploads = self.files, self.chunks, self.uploads
        self.delete = self.worded(f"DELETE FROM {files} WHERE path = ?")
        self.delete_small = f"{self.delete} AND object IS NULL"
        self.delete_small_match = self.worded(f"DELETE FROM {files} WHERE path = ? AND etag = ? AND object IS NULL")
        self.delete_chunks = self.worded(f"DELETE FROM {chunks} WHERE object = ?")
        below = "path > ? AND path < ?"
        self.objects_below = self.worded(
            f"SELECT path, object FROM {files} WHERE {below} AND object IS NOT NULL{self.lock}"
        )
        self.delete_below = self.worded(f"DELETE FROM {files} WHERE {below} AND object IS NULL")
        self.copy_chunks = self.worded(
            f"INSERT INTO {chunks} (object, start, content) SELECT ?, start, content FROM {chunks} WHERE object = ?"
        )
        self.begin_upload = self.worded(f"INSERT INTO {uploads} (object, path, touched) VALUES (?, ?, ?)")
        self.touch_upload = self.worded(f"UPDATE {uploads} SET touched = ? WHERE object = ?")
        self.add_chunk = self.worded(
            f"INSERT INTO {chunks} (object, start, content) "
            f"SELECT object, ?, {self.bytes} FROM {uploads} WHERE object = ?"
        )
        self.end_upload = self.worded(f"DELETE FROM {uploads} WHERE object = ?")
        self.old_uploads = self.worded(f"SELECT object FROM {uploads} WHERE touched < ?")
        self.version = f"SELECT version FROM {self.schema}"

    def of_keys(self, count: int) -> tuple[str, str, str]:
        """Return the statements that find and lock the big ones of so many keys, and delete the small and the big."""
        marks = ", ".join("?" * count)
        among = f"FROM {self.files} WHERE path IN ({marks})"
        return (
            self.worded(f"SELECT path, object {among} AND object IS NOT NULL{self.lock}"),
            self.worded(f"DELETE {among} AND object IS NULL"),
            self.worded(f"DELETE {among}"),
        )

    def chunks_of(self, count: int) -> str:
        """Return the statement that deletes the pieces of so many objects."""
        return self.worded(f"DELETE FROM {self.chunks} WHERE object IN ({', '.join('?' * count)})")

    def tables(self) -> list[str]:
        """Return the statements that make the tables, the row of the version last."""
        kind: Any = _TYPES[self.dialect]
        key, text, long, real, blob, end = kind.values()
        token = "VARBINARY(32)" if self.dialect == "mysql" else text
        columns = {
            self.files: f"path {key} NOT NULL PRIMARY KEY, size {long} NOT NULL, modified {real} NOT NULL, "
            f"etag {text} NOT NULL, content_type {text}, metadata {text}, object {token}, content {blob}",
            self.chunks: f"object {token} NOT NULL, start {long} NOT NULL, content {blob} NOT NULL, "
            "PRIMARY KEY (object, start)",
            self.uploads: f"object {token} NOT NULL PRIMARY KEY, path {key} NOT NULL, touched {real} NOT NULL",
            self.schema: "id INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL",
        }
        made = [f"CREATE TABLE IF NOT EXISTS {table} ({columns[table]}){end}" for table in columns]
        if self.dialect == "postgresql":
            # Uncompressed, so that a range is fetched without reading what stands before it.
            made[3:3] = [
                f"ALTER TABLE {table} ALTER COLUMN content SET STORAGE EXTERNAL" for table in (self.files, self.chunks)
            ]
        ignore = "INSERT IGNORE" if self.dialect == "mysql" else "INSERT"
        tail = "" if self.dialect == "mysql" else " ON CONFLICT (id) DO NOTHING"
        return [*made, f"{ignore} INTO {self.schema} (id, version) VALUES (1, {VERSION}){tail}"]

    def worded(self, statement: str) -> str:
        """Return a statement with the placeholders of the driver; none holds a literal ``?`` or ``%``."""
        return statement.replace("?", self.mark)

    def _plain(self, statement: str) -> str:
        return statement.replace(self.mark, "?")
