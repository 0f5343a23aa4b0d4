"""A server that answers each request as the next line of a script says."""

from tests.backends.taking import Taker

HEADERS = 'ETag: "one"\r\nLast-Modified: Mon, 23 Nov 2026 05:17:04 GMT\r\n'


class Scripted(Taker):
    """Takes connections for good; each request gets one answer and the end of its connection.

    An answer is a function of the socket and the request's head.
    """

    def __init__(self, *answers):
        self._answers = list(answers)
        self.heads = []
        super().__init__()

    def serve(self, taken):
        head = b""
        while b"\r\n\r\n" not in head:
            data = taken.recv(1 << 16)
            if not data:
                return
            head += data
        with self._lock:
            self.heads.append(head.decode())
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer(taken, head.decode()) is not silence:
            taken.close()


def refusal(status, code=None, headers=""):
    """An error answer."""
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>" if code else ""

    def answer(taken, head):
        shown = "" if head.startswith("HEAD") else body
        taken.sendall(f"HTTP/1.1 {status} X\r\nContent-Length: {len(shown)}\r\n{headers}{CLOSE}\r\n{shown}".encode())

    return answer


CLOSE = "Connection: close\r\n"


def content(data, *, until=None):
    """The file, or the part of it that is asked for; the connection breaks after so many bytes."""

    def answer(taken, head):
        start, place, status = 0, "", "200 OK"
        for line in head.splitlines():
            if line.lower().removeprefix("x-ms-").startswith("range: bytes="):
                first, _, last = line.partition("=")[2].partition("-")
                start = int(first)
                stop = int(last) + 1 if last else len(data)
                place = f"Content-Range: bytes {start}-{stop - 1}/{len(data)}\r\n"
                status = "206 Partial Content"
        part = data[start:] if not place else data[start:stop]
        taken.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(part)}\r\n{place}{HEADERS}{CLOSE}\r\n".encode())
        taken.sendall(part[: len(part) if until is None else until])

    return answer


def silence(taken, head):
    """Say nothing and keep the line."""
    return silence


def stored(taken, head):
    """Say that a file was written."""
    taken.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{HEADERS}{CLOSE}\r\n".encode())
