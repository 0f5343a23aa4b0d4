"""A recording of the requests that reach a server."""

import re
import socket

from tests.backends.taking import Relay

REQUEST = re.compile(rb"(GET|PUT|POST|DELETE|HEAD) (\S+) HTTP/1\.1\r\n")


class Recorder(Relay):
    """Forwards a port and keeps what was said towards the server."""

    def __init__(self, to_port):
        self._said = []
        super().__init__(to_port)

    def requests(self):
        """The requests since the last question, in no particular order."""
        found = [
            f"{verb.decode()} {path.decode()}" for said in self._said for verb, path in REQUEST.findall(bytes(said))
        ]
        for said in self._said:
            said.clear()
        return found

    def forward(self, near, far):
        said = bytearray()
        self._said.append(said)
        self._start(_carry, far, near, None)
        _carry(near, far, said)


def _carry(source, sink, said):
    while data := source.recv(1 << 16):
        if said is not None:
            said += data
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def verbs(recorder):
    """What was asked of the server since the last question, without the paths."""
    return sorted(request.partition(" ")[0] for request in recorder.requests())


def cost_one_request_each(recorder, store):
    """Write, read and look at a file of an object store, each of which has to take one request."""
    store.write("a", b"data")
    assert verbs(recorder) == ["PUT"]
    assert store.read_bytes("a") == b"data"
    assert verbs(recorder) == ["GET"]
    with store.read("a") as reader:
        assert reader.info.size == 4
        assert reader.read() == b"data"
    assert verbs(recorder) == ["GET"]
    assert store.read_range("a", 1, 2) == b"at"
    assert verbs(recorder) == ["GET"]
    store.get_file_info("a")
    assert verbs(recorder) == ["HEAD"]
    assert store.exists("a")
    assert verbs(recorder) == ["HEAD"]
