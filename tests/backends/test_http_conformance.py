"""The conformance kit over HTTP: with and without indexes, awaited and in threads."""

import http.server
import threading
import uuid
from functools import partial
from pathlib import Path

import pytest

from remote_store.backends.http import HttpBackend
from remote_store.testing import Conformance

MINUTES = "an index in HTML tells the time of change to the minute"
IN_MINUTES = {
    "test_a_folder_is_the_sum_of_what_is_below": MINUTES,
    "test_entries_carry_size_and_time_and_open_the_file": MINUTES,
}


class HttpConformance(Conformance):
    way = "plain"
    listing = "none"
    lane = "httpx"

    @pytest.fixture(autouse=True)
    def _place(self, web):
        self.url = f"{web.url}/{self.way}"
        self.folder = Path(web.folder)

    def make_backend(self):
        name = uuid.uuid4().hex
        self.files = self.folder / name
        self.files.mkdir()
        return HttpBackend(f"{self.url}/{name}", listing=self.listing, lane=self.lane)

    def plant(self, store, files):
        for key, data in files.items():
            path = self.files / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


class TestHttpx(HttpConformance):
    pass


class TestHttpThreads(HttpConformance):
    lane = "stdlib"


class TestHttpJson(HttpConformance):
    way, listing = "json", "nginx-json"


class TestHttpJsonThreads(HttpConformance):
    way, listing, lane = "json", "nginx-json", "stdlib"


class TestHttpIndex(HttpConformance):
    way, listing = "html", "html"
    deviates_at_times = IN_MINUTES


class TestHttpIndexWithoutSizes(HttpConformance):
    """Sizes come from a HEAD for each file."""

    way, listing, lane = "rounded", "html", "stdlib"
    deviates_at_times = IN_MINUTES


class TestHttpHeadless(HttpConformance):
    """A server that refuses HEAD."""

    way, lane = "headless", "stdlib"


class TestHttpWithoutRanges(HttpConformance):
    """A server that sends the whole file whatever is asked for."""

    way = "whole"


class TestHttpUnnamed(HttpConformance):
    """A server without etags."""

    way, lane = "unnamed", "stdlib"


class TestPythonServer(HttpConformance):
    """The server of the standard library: HTTP/1.0, no ranges, no etags, another kind of index."""

    listing = "html"
    many = 60  # each file listed is asked for its size

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path):
        quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
        # Where only five may wait, as usual, the next connection is tried again after a second.
        patient = type("Patient", (http.server.ThreadingHTTPServer,), {"request_queue_size": 128})
        server = patient(("127.0.0.1", 0), partial(quiet, directory=str(tmp_path)))
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        self.url, self.folder = f"http://127.0.0.1:{server.server_port}", tmp_path
        yield
        server.shutdown()
        server.server_close()
