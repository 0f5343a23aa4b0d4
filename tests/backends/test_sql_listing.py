"""Listings of tables: by keys, never by offsets, and over folders without reading what is in them."""

# ruff: noqa: S608  the tables are named here

import pytest

from remote_store.testing import clause
from remote_store.testing.faces import opened
from tests.backends.sql_places import KINDS, place_of


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    return place_of(request.param, request, tmp_path)


@clause("LIST-10", "LIST-02")
def test_full_folders_are_stepped_over(place, monkeypatch):
    from remote_store.backends.sql.database import Session

    fetched = []
    rows = Session.rows

    def counted(self, statement, *values):
        found = rows(self, statement, *values)
        fetched.append(len(found))
        return found

    with opened(place.backend(), "", "sync") as store:
        store.write("f00/0", b"")
        number = "CAST(n AS CHAR(8))" if place.kind == "mariadb" else "CAST(n AS TEXT)"
        glue = "CONCAT('f', LPAD(m, 2, '0'), '/', {})" if place.kind == "mariadb" else "'f' || {pad} || '/' || {}"
        pad = "printf('%02d', m)" if place.kind == "sqlite" else "lpad(CAST(m AS TEXT), 2, '0')"
        key = glue.replace("{pad}", pad).replace("{}", number)
        ns = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 500), "
        ms = "m(m) AS (SELECT 0 UNION ALL SELECT m + 1 FROM m WHERE m < 39) "
        columns = "path, size, modified, etag, content"
        place.run(
            f"INSERT INTO {place.table} ({columns}) {ns}{ms}SELECT {key}, 0, 0, '', '' FROM n, m"
            if place.kind != "postgresql"
            else f"{ns}{ms}INSERT INTO {place.table} ({columns}) SELECT {key}, 0, 0, '', '' FROM n, m"
        )
        monkeypatch.setattr(Session, "rows", counted)
        assert [entry.key for entry in store.list_folders()] == [f"f{number:02}" for number in range(40)]
        assert sum(fetched) < 400  # of 20,001 files
        fetched.clear()
        assert sum(1 for _ in store.list_files(recursive=True)) == 20_001
        assert max(fetched) <= 1001
        assert len(fetched) == 21
        fetched.clear()
        assert store.is_folder("f07")
        assert not store.exists("f0")
        assert sum(fetched) <= 4
