"""Content of every shape: what is taken as it is, what is refused, and what is known of its size before."""

import array
import io
import os
from pathlib import Path

import pytest

from remote_store import BackendUnavailable, NotFound, RemotePath, RemoteStoreError
from remote_store._io import Inline, run
from remote_store._source import flat, open_source, whole


async def read_all(content, size=4):
    async with open_source(Inline(), content) as source:
        chunks = []
        while chunk := await source.next(size):
            chunks.append(bytes(chunk))
        return chunks


def test_plain_bytes_are_handed_on_without_a_copy():
    view = memoryview(b"abc")
    assert flat(view) is view
    assert whole(view) is view
    data = bytearray(b"abc")
    assert flat(data) is whole(data) is data
    assert whole(iter([b"abc"])) is None


@pytest.mark.parametrize(
    "view",
    [
        memoryview(array.array("H", [1, 2, 3])),
        memoryview(bytes(6)).cast("b"),
        memoryview(bytes(6)).cast("B", (2, 3)),
        memoryview(b"a0b0c0d0e0f0")[::2],
    ],
    ids=["wide items", "signed items", "two dimensions", "strides"],
)
def test_every_buffer_becomes_its_bytes(view):
    data = flat(view)
    assert len(data) == view.nbytes == 6
    assert bytes(data) == view.tobytes()
    assert memoryview(data).format == "B"
    assert memoryview(data).c_contiguous


@pytest.mark.parametrize("content", ["", "text", {}, RemotePath("a"), 3, None], ids=repr)
def test_what_is_no_content_is_refused_even_if_it_is_empty(content):
    with pytest.raises(TypeError, match=r"^content is "):
        open_source(Inline(), content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([b"a", "b"], "content yields bytes, not str; open the file in binary mode"),
        ([b"a", 3], "content yields bytes, not int$"),
        (io.StringIO("text"), "content yields bytes, not str; open"),
        (type("Silent", (), {"read": lambda self, size: None})(), "non-blocking"),
    ],
)
def test_what_turns_out_to_be_no_bytes_is_refused(content, says):
    with pytest.raises(TypeError, match=says):
        run(read_all(content))


def test_what_is_left_is_known_of_bytes_and_of_files_of_this_machine(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert open_source(Inline(), b"abc").left() == 3
    assert open_source(Inline(), iter([b"abc"])).left() is None
    assert open_source(Inline(), io.BytesIO(b"abc")).left() is None
    with path.open("rb") as file:
        file.seek(4)
        assert open_source(Inline(), file).left() == 6
        assert run(read_all(file)) == [b"4567", b"89"]
    reading, writing = os.pipe()
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123
        assert open_source(Inline(), pipe).left() is None


def test_a_local_file_that_cannot_be_opened_is_named(tmp_path):
    missing = tmp_path / "missing"
    with pytest.raises(NotFound, match=r"cannot be opened: no such file or directory") as raised:
        run(read_all(missing))
    assert raised.value.path == str(missing)


@pytest.mark.parametrize(
    ("failure", "kind", "says"),
    [
        (OSError(), RemoteStoreError, "oserror"),
        (ConnectionResetError(104, "Connection reset by peer"), BackendUnavailable, "connection reset by peer"),
        (ConnectionRefusedError(111, "Connection refused"), RemoteStoreError, "connection refused"),
    ],
)
def test_a_local_file_on_a_mount_that_fails_is_named(failure, kind, says):
    class Mount(Inline):
        """The disk of a machine that has gone."""

        async def call(self, function, *args):
            raise failure

    async def read():
        async with open_source(Mount(), Path("mount/file")):
            pass

    with pytest.raises(kind) as raised:
        run(read())
    assert raised.value.message.endswith(f"cannot be opened: {says}")
    assert raised.value.path == str(Path("mount/file"))


def test_empty_chunks_do_not_end_an_iterable():
    assert run(read_all(iter([b"", b"ab", bytearray(), b"c"]))) == [b"ab", b"c"]
