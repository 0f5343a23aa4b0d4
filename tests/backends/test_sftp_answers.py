"""Servers that talk nonsense, or do not say why: a typed error, and nothing taken for done that is not."""

import itertools
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from paramiko.buffered_pipe import PipeTimeout

from remote_store import IntegrityError, RemoteStoreError, RetryPolicy, Store
from remote_store._io import run
from remote_store.backends.sftp import SFTPBackend, wire
from remote_store.backends.sftp.channel import Channel, Lost
from remote_store.backends.sftp.frames import Frames
from remote_store.backends.sftp.pipes import Arrivals, PatientSocket
from remote_store.backends.sftp.reading import FileBody
from remote_store.testing import clause
from tests.servers.process import wait_until

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
        assert [number for number, *_ in found] == list(range(200))
        for number, _, body, rest in found:
            assert b"".join([body, *rest]) == bytes([number % 256]) * (number * 7 % 300)


@clause("SFTP-15")
def test_data_is_what_was_read_however_it_is_cut():
    data = bytes(range(256)) * 5
    stream = frame(103, 7, struct.pack(">I", len(data)) + data) + frame(103, 8, struct.pack(">I", 0))
    for size in range(1, len(stream) + 1):
        frames = Frames()
        found = [packet for at in range(0, len(stream), size) for packet in frames.feed(stream[at : at + size])]
        full, empty = [wire.Answer(kind, body, rest) for _, kind, body, rest in found]
        assert b"".join(full.pieces()) == full.data() == data
        assert (empty.pieces(), empty.data()) == ([], b"")


@clause("SFTP-15")
@pytest.mark.parametrize("cut", [20, 113])
def test_data_is_no_more_than_its_packet_holds(cut):
    for says in (0, 1, 60, 99, 100, 101, 1 << 31):
        stream = frame(103, 7, struct.pack(">I", says) + b"x" * 100)
        frames = Frames()
        (_, kind, body, rest), *_ = [*frames.feed(stream[:cut]), *frames.feed(stream[cut:])]
        answer = wire.Answer(kind, body, rest)
        if says > 100:
            with pytest.raises(wire.Garbled, match="shorter"):
                answer.pieces()
        else:
            assert answer.data() == b"x" * says


CONTENT = bytes(range(256)) * 4


class Answering:
    """A channel to a server that answers each read with so many bytes more or less than it was asked for."""

    read_size, broken = 100, None

    def __init__(self, more):
        self._more = more

    def ask(self, request):
        offset, length = struct.unpack(">QI", request.body[-12:])
        data = CONTENT[offset : offset + max(1, length + self._more)]
        halves = [memoryview(struct.pack(">I", len(data)) + data[:7]), memoryview(data[7:])]
        return [wire.Answer(wire.DATA, halves[0], halves[1:])]

    def send_each(self, requests):
        return requests

    def wait(self, request):
        return self.ask(request)

    def later(self, *requests):
        pass

    flush = later


def body_of(more):
    return FileBody(Answering(more), b"handle", None, 3, 990)


def take(body, step):
    """Return the next bytes of a body by one of its verbs."""
    if step == "fill":
        buffer = memoryview(bytearray(30))
        return bytes(buffer[: run(body.fill(buffer))])
    return bytes(run(getattr(body, step)()))


@clause("STREAM-01")
@pytest.mark.parametrize("more", [0, -1, -60, -1000])
def test_a_file_is_read_whole_by_whatever_verbs(more):
    for steps in itertools.product(("next", "fill"), repeat=4):
        body = body_of(more)
        taken = b"".join(take(body, step) for step in steps)
        assert taken + take(body, "all") == CONTENT[3:993]
        assert [take(body, step) for step in ("next", "fill", "all")] == [b"", b"", b""]


@clause("SFTP-15")
@pytest.mark.parametrize("verb", ["next", "fill", "all"])
def test_more_than_was_asked_for_is_refused(verb):
    with pytest.raises(wire.Garbled, match="asked"):
        take(body_of(1), verb)


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


@clause("SFTP-15")
def test_packets_of_a_channel_are_handed_out_in_order_and_in_the_sizes_asked_for():
    arrivals, sent = Arrivals(set()), [bytes([number % 256]) * (number * 13 % 97) for number in range(1, 500)]

    def feed():
        for packet in sent:
            arrivals.feed(packet)
            arrivals.wake()
        arrivals.close()

    feeding = threading.Thread(target=feed)
    feeding.start()
    taken = b""
    for size in itertools.cycle((1, 50, 1000)):
        piece = arrivals.read(size, 60)
        assert len(piece) <= size
        if not piece:
            break
        taken += piece
    feeding.join()
    assert taken == b"".join(sent)
    assert (arrivals.read(1, 60), len(arrivals)) == (b"", 0)


@clause("SFTP-09")
def test_who_waits_is_woken_before_the_connection_waits():
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = socket.create_connection(server.getsockname())
        here, _ = server.accept()
    with there, PatientSocket(fileno=here.detach()) as patient, ThreadPoolExecutor(2) as pool:
        arrivals = Arrivals(patient.fed)
        reading = pool.submit(arrivals.read, 100, 60)
        assert wait_until(lambda: arrivals._reader is not None, 60)
        arrivals.feed(b"first")
        arrivals.feed(b"second")
        waiting = pool.submit(patient.recv, 1)
        assert reading.result(timeout=60) == b"firstsecond"
        assert not waiting.done()
        there.sendall(b"x")
        assert waiting.result(timeout=60) == b"x"


@clause("SFTP-15")
def test_an_empty_packet_is_not_the_end():
    arrivals = Arrivals(set())
    arrivals.feed(b"")
    arrivals.feed(b"data")
    assert arrivals.read(9, 60) == b"data"
    arrivals.feed(b"")
    with pytest.raises(PipeTimeout):
        arrivals.read(9, 0.01)


@clause("SFTP-09")
def test_a_channel_to_which_nothing_comes_is_waited_for_so_long():
    arrivals = Arrivals(set())
    with pytest.raises(PipeTimeout):
        arrivals.read(1, 0.01)
    arrivals.feed(b"late")
    assert len(arrivals) == 4
    assert arrivals.read(9, 0.01) == b"late"


@clause("SFTP-08")
@pytest.mark.parametrize(("closed", "eof"), [(True, False), (False, True)])
def test_a_channel_that_ended_at_once_is_not_waited_for(closed, eof):
    transport = SimpleNamespace(sock=SimpleNamespace(fed=set()))
    channel = SimpleNamespace(closed=closed, eof_received=eof, in_buffer=None, transport=transport)
    Arrivals.take_over(channel)
    assert channel.in_buffer.read(1, 60) == b""
