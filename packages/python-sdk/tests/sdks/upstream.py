"""An HTTPS API as an SDK meets it: its routes, the one credential it accepts, and its way of saying no."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from loopback_http import RawHandler, serving
from vault_proxy import AuthDefinition

if TYPE_CHECKING:
    from pathlib import Path


STEP_SECONDS = 20


@dataclass
class Call:
    """A request as it reached the API."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]

    def query(self, name: str) -> str | None:
        return parse_qs(urlsplit(self.target).query).get(name, [None])[0]


@dataclass
class Reply:
    """An answer; one whose body is not bytes goes out chunked, piece by piece."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Route = Callable[[Call], Reply]


@dataclass
class Api:
    credential: tuple[str, str]
    auth: AuthDefinition
    wrong_auth: AuthDefinition
    refuse: Reply
    routes: dict[str, Route]
    """By method and path, without the query."""


def as_json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply(json.dumps(value).encode(), status, {"content-type": "application/json", **(headers or {})})


def event(data: object, name: str | None = None) -> bytes:
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {json.dumps(data)}\n\n".encode()


class Lockstep:
    """Pieces of an answer, each written only once the reader has the one before: gathering them would never end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._taken = threading.Semaphore(0)

    def reply(self, content_type: str = "text/event-stream") -> Reply:
        return Reply(self._write(), headers={"content-type": content_type})

    def took(self) -> None:
        self._taken.release()

    def _write(self) -> Iterator[bytes]:
        for piece in self._pieces:
            yield piece
            if not self._taken.acquire(timeout=STEP_SECONDS):
                return


@dataclass
class Upstream:
    origin: str
    certificate: str
    calls: list[Call] = field(default_factory=list)
    once: deque[Reply] = field(default_factory=deque)


@contextmanager
def serve(api: Api, directory: Path) -> Iterator[Upstream]:
    """Listen on a loopback port with a certificate of its own."""

    class Handler(RawHandler):
        def answer(self) -> None:
            call = Call(self.command, self.target, self.headers.items(), self.read_body())
            upstream.calls.append(call)
            reply = _answer(api, upstream, call)
            if isinstance(reply.body, bytes):
                self.send_whole(reply.status, reply.headers, reply.body)
            else:
                self._send_pieces(reply, reply.body)

        def _send_pieces(self, reply: Reply, pieces: Iterable[bytes]) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for piece in pieces:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

    certificate, key = _make_certificate(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    upstream = Upstream(f"https://127.0.0.1:{server.server_port}", certificate.read_text())
    with serving(server):
        yield upstream


def _answer(api: Api, upstream: Upstream, call: Call) -> Reply:
    header, value = api.credential
    if call.header(header) != [value]:
        return api.refuse
    if upstream.once:
        return upstream.once.popleft()
    route = api.routes.get(f"{call.method} {urlsplit(call.target).path}")
    return as_json({"message": "no such route"}, 404) if route is None else route(call)


def _make_certificate(directory: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    assert openssl is not None, "openssl is needed to make a certificate"
    certificate, key = directory / "api.pem", directory / "api.key"
    made = subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=API of a test"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return certificate, key
