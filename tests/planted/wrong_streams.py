"""Bugs of what readers and writers hold in their hands."""

import io

from remote_store._ops import pinned, read, write
from remote_store.backend import Span
from tests.planted.patches import changed, ignored, patched
from tests.planted.planting import Bug

UNIT = "tests/unit/test_streams.py::"


async def whatever_comes(body):
    data = await body.all()
    await body.close()
    return data


async def from_the_start(self):
    self._body = await read._open(self._scope, self._key, Span(0, None), self.entry.etag, self.entry.version)


async def unpinned(self):
    self._body = await read._open(self._scope, self._key, Span(self._at, self._end - self._at), None, None)


async def left_open(self):
    self._body = None


def one_too_far(right, self, offset, whence=io.SEEK_SET):
    return right(self, offset + (1 if whence == io.SEEK_END else 0), whence)


async def newlines_translated(right, scope, path, encoding, errors):
    return (await right(scope, path, encoding, errors)).replace("\r\n", "\n")


BUGS = {
    "a short body is the file": Bug(
        "a whole read does not count its bytes",
        f"{UNIT}test_a_body_shorter_than_announced_is_refused",
        where="streams",
        plant=patched(read, "_drain", whatever_comes),
    ),
    "a long body is the file": Bug(
        "a whole read takes more than was announced",
        f"{UNIT}test_a_body_longer_than_announced_is_refused",
        where="streams",
        plant=patched(read, "_drain", whatever_comes),
    ),
    "taken up at the start": Bug(
        "a stream that broke goes on with the first byte",
        f"{UNIT}test_a_stream_that_breaks_goes_on_where_it_broke",
        where="streams",
        plant=patched(read.Feed, "_reopen", from_the_start),
    ),
    "taken up in another version": Bug(
        "a stream that broke goes on in whatever stands there",
        f"{UNIT}test_a_stream_of_a_file_that_changed_meanwhile_is_not_taken_up",
        where="streams",
        plant=patched(read.Feed, "_reopen", unpinned),
    ),
    "taken up without a version": Bug(
        "a stream goes on though nothing tells the versions apart",
        f"{UNIT}test_a_stream_without_a_version_is_not_taken_up",
        where="streams",
        plant=patched(read.Feed, "_can_resume", lambda self: True),
    ),
    "never taken up": Bug(
        "a stream that broke is not opened again",
        f"{UNIT}test_a_stream_that_breaks_goes_on_where_it_broke",
        where="streams",
        plant=patched(read.Feed, "_can_resume", lambda self: False),
    ),
    "connection kept": Bug(
        "the end of a stream does not close its body",
        f"{UNIT}test_a_stream_left_early_is_closed_with_it",
        where="streams",
        plant=patched(read.Feed, "_release", left_open),
    ),
    "one byte past the end": Bug(
        "seeking from the end is off by one",
        "test_a_seekable_reader_does_what_a_local_file_does",
        where="streams",
        plant=changed(pinned.Pinned, "seek", one_too_far),
    ),
    "newlines translated": Bug(
        "`read_text` turns CR LF into LF",
        "test_text_is_decoded_and_its_newlines_stay",
        where="streams",
        plant=changed(read, "read_text", newlines_translated),
    ),
    "a broken write goes on": Bug(
        "after a part that failed the rest is published",
        "tests/unit/test_interruptions.py::test_a_block_that_swallows_a_lost_part_publishes_nothing",
        where="streams",
        plant=ignored(write.Publication, "_prove_whole"),
    ),
}
