"""Servers that talk nonsense, or do not say why: a typed error, and nothing taken for done that is not."""

import itertools
import socket
import struct
import threading

import pytest

from remote_store import IntegrityError, RemoteStoreError, RetryPolicy, Store
from remote_store.backends.sftp import SFTPBackend, wire
from remote_store.backends.sftp.channel import Channel, Lost
from remote_store.backends.sftp.pipes import PatientSocket
from remote_store.backends.sftp.wire import Frames
from remote_store.testing import clause

ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def place(sshd):
    return sshd.options()


class Talker:
    """A pipe to a server that says what a test wants."""

    def __init__(self, *says):
        self.says = list(says)
        self.closed = False

    def send(self, data):
        pass

    def recv(self):
        if not self.says:
            raise Lost
        return self.says.pop(0)

    def is_open(self):
        return not self.closed

    def close(self):
        self.closed = True


VERSION = struct.pack(">IBI", 5, 2, 3)


def frame(kind, number, body=b""):
    return struct.pack(">IBI", 5 + len(body), kind, number) + body


@clause("SFTP-15")
@pytest.mark.parametrize(
    "says",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        struct.pack(">IBI", 0xFFFFFFFF, 2, 3),
        struct.pack(">IBI", 1, 2, 3),
        frame(2, 3, b"\xff\xff\xff\xffposix"),
        frame(101, 3, b"\0\0\0\4"),
        b"",
    ],
)
def test_a_greeting_that_is_not_sftp_ends_the_channel(says):
    pipe = Talker(*[bytes([byte]) for byte in says])
    with pytest.raises(Exception, match=r"SFTP|lost|shorter|due"):
        Channel(pipe).greet()


@clause("ERR-01")
@pytest.mark.parametrize(
    ("said", "told"), [("Failure", "a full disk or a quota"), ("no \x1b[2Jroom", r"the server failed: no \?\[2Jroom")]
)
def test_a_failure_that_is_not_explained_names_what_it_may_be(said, told, place, monkeypatch):
    with Store(SFTPBackend(**place), retry=ONCE) as store:
        store.write("a", b"x")
        monkeypatch.setattr(wire.Answer, "attrs", lambda _: throw(wire.Status(wire.FAILURE, said)))
        with pytest.raises(RemoteStoreError, match=told) as failed:
            store.head("a")
    assert (failed.value.path, failed.value.retryable) == ("a", False)


def throw(error):
    raise error


@clause("SFTP-15")
@pytest.mark.parametrize("kind", ["_ATTRS", "_STATUS"])
def test_an_answer_of_another_kind_is_an_integrity_error(kind, place, monkeypatch):
    calls = {
        "_ATTRS": [lambda store: store.head("a")],
        "_STATUS": [
            lambda store: store.delete("a"),
            lambda store: store.write("a", b"y", overwrite=True),
            lambda store: store.move("a", "b"),
            lambda store: store.delete_folder("folder"),
            lambda store: store.delete_folder("folder", recursive=True),
        ],
    }
    with Store(SFTPBackend(**place), retry=ONCE) as store:
        for call in calls[kind]:
            store.write("a", b"x", overwrite=True)
            store.write("folder/b", b"x", overwrite=True)
            with monkeypatch.context() as wrong:
                wrong.setattr(wire, kind, 99)
                with pytest.raises(IntegrityError, match="not SFTP"):
                    call(store)
        store.write("a", b"after", overwrite=True)
        assert store.read_bytes("a") == b"after"


@clause("SFTP-15")
def test_packets_come_whole_however_they_are_cut():
    stream = b"".join(frame(103, number, bytes([number % 256]) * (number * 7 % 300)) for number in range(200))
    for size in (1, 3, 8, 9, 10, 50, 1000, len(stream)):
        frames = Frames()
        found = [packet for at in range(0, len(stream), size) for packet in frames.feed(stream[at : at + size])]
        assert [number for number, _, _ in found] == list(range(200))
        assert all(bytes(body) == bytes([number % 256]) * (number * 7 % 300) for number, _, body in found)


@clause("SFTP-15")
def test_a_socket_hands_out_what_came_in_the_sizes_asked_for():
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = socket.create_connection(server.getsockname())
        here, _ = server.accept()
    sent = bytes(range(256)) * 1000
    with there, PatientSocket(fileno=here.detach()) as patient:
        there.sendall(sent[:20])
        assert patient.recv(16) + patient.recv(4) == sent[:20]
        sending = threading.Thread(target=lambda: (there.sendall(sent), there.close()))
        sending.start()
        taken = b""
        for size in itertools.cycle((1, 16, 300, 100_000)):
            piece = patient.recv(size)
            assert len(piece) <= size
            if not piece:
                break
            taken += piece
        sending.join()
        assert taken == sent
        assert patient.recv(1) == b""
