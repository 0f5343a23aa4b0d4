"""A recording of the requests that reach a server."""

import re
import socket
import threading

REQUEST = re.compile(rb"(GET|PUT|POST|DELETE|HEAD) (\S+) HTTP/1\.1\r\n")


class Recorder:
    """Forwards a port and keeps what was said towards the server."""

    def __init__(self, to_port):
        self._to_port = to_port
        self._said = []
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def requests(self):
        """The requests since the last question, in no particular order."""
        found = [
            f"{verb.decode()} {path.decode()}" for said in self._said for verb, path in REQUEST.findall(bytes(said))
        ]
        for said in self._said:
            said.clear()
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in [self._listener, *self._sockets]:
            each.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to_port))
            self._sockets += [near, far]
            said = bytearray()
            self._said.append(said)
            threading.Thread(target=self._carry, args=(near, far, said), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, None), daemon=True).start()

    @staticmethod
    def _carry(source, sink, said):
        try:
            while data := source.recv(1 << 16):
                if said is not None:
                    said += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return
