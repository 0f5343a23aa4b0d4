"""Indexes as listings: what servers write, and what a hostile one writes."""

import contextlib
import json
import logging
import uuid
from pathlib import Path

import pytest

from remote_store import (
    Capability,
    CapabilityNotSupported,
    ContainerNotFound,
    IntegrityError,
    PermissionDenied,
    RemoteStoreError,
)
from remote_store.testing import clause
from tests.backends.scripted import Scripted, content
from tests.backends.web_ways import WAYS, opened_by

NGINX = """<html>
<head><title>Index of /base/</title></head>
<body>
<h1>Index of /base/</h1><hr><pre><a href="../">../</a>
{rows}</pre><hr></body>
</html>
"""
ROW = '<a href="{}">{}</a>        23-Nov-2026 05:17          {}\n'

APACHE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<html>
 <head>
  <title>Index of /base</title>
 </head>
 <body>
<h1>Index of /base</h1>
  <table>
   <tr><th valign="top"><img src="/icons/blank.gif" alt="[ICO]"></th><th><a href="?C=N;O=D">Name</a></th>\
<th><a href="?C=M;O=A">Last modified</a></th><th><a href="?C=S;O=A">Size</a></th></tr>
   <tr><td valign="top"><img src="/icons/back.gif" alt="[PARENTDIR]"></td><td><a href="/">Parent Directory</a></td>\
<td>&nbsp;</td><td align="right">  - </td></tr>
<tr><td valign="top"><img src="/icons/folder.gif" alt="[DIR]"></td><td><a href="folder/">folder/</a></td>\
<td align="right">2026-11-23 05:17  </td><td align="right">  - </td></tr>
<tr><td valign="top"><img src="/icons/text.gif" alt="[TXT]"></td><td><a href="a%20b.csv">a b.csv</a></td>\
<td align="right">2026-11-23 05:17  </td><td align="right">1.2K</td></tr>
  </table>
<address>Apache/2.4.57 (Debian) Server at <a href="mailto:me@host">host</a> Port 80</address>
</body></html>
"""


@pytest.fixture(params=WAYS)
def opening(request):
    with contextlib.ExitStack() as running:
        yield lambda url, **options: running.enter_context(opened_by(request.param, url, **options))


@pytest.fixture
def scripted(opening):
    with contextlib.ExitStack() as running:

        def make(answer, listing="html"):
            server = running.enter_context(Scripted(answer))
            return server, opening(f"{server.url}/base", listing=listing)

        yield make


def page(text, fields="", status="200 OK"):
    body = text.encode("utf-8", "surrogateescape")

    def answer(taken, head):
        shown = b"" if head.startswith("HEAD") else body
        text = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}Connection: close\r\n\r\n"
        taken.sendall(text.encode() + shown)

    return answer


def listed(store):
    return [entry.key for entry in store.iter_children()]


@clause("HTTP-16")
def test_without_a_declared_index_nothing_is_listed(web, opening):
    store = opening(f"{web.url}/json")
    assert not {Capability.LIST, Capability.GLOB} & store.capabilities
    with pytest.raises(CapabilityNotSupported, match="LIST"):
        list(store.list_files())


@clause("HTTP-16", "HTTP-19")
@pytest.mark.parametrize(("way", "listing"), [("json", "nginx-json"), ("html", "html"), ("rounded", "html")])
def test_indexes_of_nginx_list_exact_sizes(web, opening, way, listing):
    folder = uuid.uuid4().hex
    files = {"a b%2F.csv": 7, "big.bin": 123_456, "sub/ä&<>'\".txt": 3, "sub/deeper/x": 0}
    for key, size in files.items():
        path = Path(web.folder) / folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    (Path(web.folder) / folder / "empty").mkdir()
    store = opening(f"{web.url}/{way}/{folder}", listing=listing)
    assert {info.key: info.size for info in store.list_files(recursive=True)} == files
    assert listed(store) == ["a b%2F.csv", "big.bin", "empty", "sub"]
    assert [info.key for info in store.glob("sub/**/*")] == ["sub/deeper/x", "sub/ä&<>'\".txt"]
    assert store.get_folder_info().total_size == sum(files.values())
    for info in store.list_files(recursive=True):
        assert abs(info.modified - store.get_file_info(info.key).modified) < 60
    store.ping()


@clause("HTTP-16", "HTTP-19")
def test_indexes_of_apache_list_and_each_file_is_asked_for_its_size(scripted):
    def answer(taken, head):
        (content(b"x" * 1234) if head.startswith("HEAD") else page(APACHE))(taken, head)

    server, store = scripted(answer)
    found = list(store.iter_children())
    assert [entry.key for entry in found] == ["a b.csv", "folder"]
    assert found[0].size == 1234
    assert [head.partition(" HTTP")[0] for head in server.heads] == ["GET /base/", "HEAD /base/a%20b.csv"]


@clause("HTTP-16")
def test_apache_writes_a_colon_behind_a_dot_and_a_slash(scripted):
    _, store = scripted(page(NGINX.format(rows=ROW.format("./10:15.csv", "10:15.csv", 5))))
    assert listed(store) == ["10:15.csv"]


@clause("HTTP-16")
def test_links_in_one_line_are_all_listed(scripted):
    _, store = scripted(page(NGINX.format(rows='<li><a href="a/">a</a></li><li><a href="b/">b</a></li>')))
    assert listed(store) == ["a", "b"]


@clause("HTTP-18")
@pytest.mark.parametrize("digits", [19, 5000])
def test_a_size_that_no_file_has_is_not_believed(scripted, digits):
    def answer(taken, head):
        (content(b"x" * 5) if head.startswith("HEAD") else index)(taken, head)

    index = page(NGINX.format(rows=ROW.format("a", "a", "9" * digits)))
    assert [info.size for info in scripted(answer)[1].list_files()] == [5]


HOSTILE = [
    "/etc/passwd", "//evil/x", "http://evil/x", "https:x", "javascript:alert(1)", "mailto:a@b", "../../x", "../x",
    "..%2Fx", "%2e%2e/", "%2E%2E", ".%2e", "%2e", "a%2Fb", "a%2fb/", "a/b", "a/../b", "a\\b", "a%5Cb", "%00",
    "a%00", "a%0Ab", "%zz", "%", "%ff", "a?b", "a#b", "?C=N", "#top", "", "./", "./../x", "a%7F", "C%3A", "C:",
    "x" * 256, "%C0%AE%C0%AE", "a//b", "a;http://evil/", "\udcff", "data:text/html,x", "%2F", "&#46;&#46;/",
    "&#x2e;&#x2e;&#x2f;x", "a&#10;b",
]  # fmt: skip


@clause("HTTP-17")
def test_hostile_links_list_nothing(scripted, caplog):
    caplog.set_level(logging.WARNING, logger="remote_store")
    rows = "".join(ROW.format(link, "name", 5) for link in HOSTILE)
    _, store = scripted(page(NGINX.format(rows=rows + ROW.format("good%2520.csv", "good", 5))))
    assert listed(store) == ["good%20.csv"]
    assert len([record for record in caplog.records if "lead elsewhere" in record.getMessage()]) == 1
    assert [info.key for info in store.list_files(recursive=True)] == ["good%20.csv"]


@clause("HTTP-17")
def test_hostile_names_in_json_list_nothing(scripted):
    names = ["..", ".", "", "a/b", "/etc", "a\\b", "a\0", "a\n", "\ud800", "C:", "x" * 256, "../x", 7, None]
    rows = [{"name": name, "type": kind, "size": 1} for name in names for kind in ("file", "directory")]
    rows += [{"name": "good", "type": "file", "size": 5, "mtime": "Mon, 23 Nov 2026 05:17:04 GMT"}]
    rows += [{"name": "a socket", "type": "other"}]
    _, store = scripted(page(json.dumps(rows)), "nginx-json")
    found = list(store.iter_children())
    assert [(entry.key, entry.size) for entry in found] == [("good", 5)]
    assert found[0].modified_at.isoformat() == "2026-11-23T05:17:04+00:00"


NO_INDEX = {
    "a page for people": (page("<html><title>Welcome</title><a href='about'>about</a>"), "html"),
    "JSON that is no list": (page("3"), "nginx-json"),
    "JSON of other things": (page('["a"]'), "nginx-json"),
    "JSON that is cut": (page('[{"name": "a", "type": "file", "size": 1},'), "nginx-json"),
    "JSON without an end of depth": (page("[" * 200_000), "nginx-json"),
    "HTML for JSON": (page(NGINX.format(rows="")), "nginx-json"),
    "an error": (page("", status="500 Oops"), "html"),
    "an encoded page": (page(NGINX.format(rows=""), "Content-Encoding: gzip\r\n"), "html"),
}


@clause("HTTP-18")
@pytest.mark.parametrize("name", NO_INDEX)
def test_a_page_that_is_no_index_is_an_error(scripted, name):
    _, store = scripted(*NO_INDEX[name])
    with pytest.raises(RemoteStoreError) as caught:
        list(store.list_files())
    assert caught.value.path == ""


@clause("HTTP-18")
def test_an_index_that_is_cut_is_an_error(scripted):
    def answer(taken, head):
        text = NGINX.format(rows=ROW.format("a", "a", 5))
        taken.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text) + 1}\r\n\r\n{text}".encode())

    _, store = scripted(answer)
    with pytest.raises(IntegrityError):
        list(store.list_files())


@clause("HTTP-18", "HTTP-06")
def test_an_endless_index_is_an_error(scripted):
    def answer(taken, head):
        taken.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {1 << 40}\r\n\r\n".encode())
        for _ in range(1 << 12):
            taken.sendall(b"<a href='x'>x</a>\n" * 4000)

    _, store = scripted(answer)
    with pytest.raises(RemoteStoreError, match="longer than 64 MiB"):
        list(store.list_files())


@clause("HTTP-18")
def test_an_index_of_another_server_is_refused(scripted):
    with Scripted(page(NGINX.format(rows=ROW.format("a", "a", 5)))) as other:

        def answer(taken, head):
            text = (
                f"HTTP/1.1 302 Found\r\nLocation: {other.url}/base/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            taken.sendall(text.encode())

        _, store = scripted(answer)
        with pytest.raises(RemoteStoreError, match="another server"):
            list(store.list_files())


def test_an_index_that_holds_itself_is_listed_lazily(scripted):
    _, store = scripted(page(NGINX.format(rows=ROW.format("again/", "again/", "-") + ROW.format("file", "file", 5))))
    found = store.list_files(recursive=True, max_depth=None)
    assert 100 < len(list(found)) < 400  # the key grammar bounds the depth, and with it the requests


def test_the_pattern_of_links_takes_linear_time(scripted):
    evil = "<a " + "href=" * 20_000 + '<a href="' * 20_000 + "<a x" * 20_000 + "<a " + 'href="x" ' * 50_000
    _, store = scripted(page(NGINX.format(rows=evil)))
    assert listed(store) == []


def test_a_refused_folder_raises_and_a_missing_one_is_empty(web, opening):
    folder = Path(web.folder) / uuid.uuid4().hex
    (folder / "closed").mkdir(parents=True)
    (folder / "file").write_bytes(b"x")
    store = opening(f"{web.url}/json/{folder.name}", listing="nginx-json")
    assert list(store.list_files("missing")) == []
    assert list(store.list_files("file")) == []
    unlisted = opening(f"{web.url}/plain/{folder.name}", listing="html")
    with pytest.raises(PermissionDenied):
        list(unlisted.list_files())
    for call in (store.ping, lambda: list(store.list_files())):
        call()
    gone = opening(f"{web.url}/json/{folder.name}/missing", listing="nginx-json")
    for call in (gone.ping, lambda: list(gone.list_files()), lambda: gone.exists("")):
        with pytest.raises(ContainerNotFound, match="there is no folder at http"):
            call()
