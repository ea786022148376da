"""HTTP servers on loopback that see each request as it was sent."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from socketserver import BaseServer


class RawHandler(BaseHTTPRequestHandler):
    """Hands every request to `answer`, whatever its method."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        raise NotImplementedError

    @property
    def target(self) -> str:
        """What was sent: `path` is not, since http.server folds leading slashes."""
        return self.requestline.split(" ")[1]

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self.answer()

    def read_body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def send_whole(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Serve in a thread until the end."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer_one(listening: socket.socket, answer: bytes, until: bytes = b"\r\n\r\n") -> Callable[[], bytes]:
    """Answer one request in a thread; the result waits, and gives the bytes that came."""
    received = bytearray()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            while not received.endswith(until):
                received.extend(connection.recv(65536))
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()

    def wait() -> bytes:
        thread.join()
        return bytes(received)

    return wait
