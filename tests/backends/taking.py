"""A port of a test's own, whose connections are served on threads and have ended when its block has."""

import contextlib
import socket
import threading


class Taker:
    """Takes connections for good; ``serve`` says what is done with one."""

    def __init__(self):
        self._lock = threading.Lock()
        self._held = []
        self._ended = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._start(self._accept)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self._lock:
            self._ended = True
        for each in [self._listener, *self._held]:
            with contextlib.suppress(OSError):  # it has ended already
                each.shutdown(socket.SHUT_RDWR)  # close() alone leaves it open while a thread waits at it
            each.close()

    def serve(self, taken):
        raise NotImplementedError

    def hold(self, made):
        """Let a socket end with the block, if that has not ended."""
        with self._lock:
            if not self._ended:
                self._held.append(made)
                return made
        made.close()
        raise ConnectionAbortedError

    def _start(self, function, *arguments):
        def run():
            with contextlib.suppress(OSError):  # a side has left, or the block has ended
                function(*arguments)

        threading.Thread(target=run, daemon=True).start()

    def _accept(self):
        while True:
            taken, _ = self._listener.accept()
            self._start(self.serve, self.hold(taken))


class Relay(Taker):
    """Forwards its port to another one."""

    def __init__(self, to_port):
        self._to_port = to_port
        super().__init__()

    def serve(self, taken):
        self.forward(taken, self.hold(socket.create_connection(("127.0.0.1", self._to_port))))

    def forward(self, near, far):
        raise NotImplementedError
