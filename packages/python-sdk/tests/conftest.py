"""Real servers on loopback, and one way to drive the blocking and the asyncio client alike."""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from vault_proxy import AsyncVaultClient, VaultClient

AnyClient = Any
Use = Callable[[AnyClient], Any]


@dataclass
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StubVault:
    """Answers each request from `answers` (by method and target), else 200; keeps what it saw."""

    addr: str
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_PROXY_SOCK", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def vault() -> Iterator[StubVault]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            # self.path is not what was sent: http.server folds leading slashes
            target = self.requestline.split(" ")[1]
            headers = {name.lower(): value for name, value in self.headers.items()}
            stub.seen.append(Seen(self.command, target, headers, body))
            answer = stub.answers.get((self.command, target), Answer())
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub = StubVault(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield stub
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Give a raw listening socket, for what http.server cannot show."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(10)
        yield listening


def _use_blocking(use: Use, *args: Any, **options: Any) -> Any:
    with VaultClient(*args, **options) as client:
        result = use(client)
        return list(result) if inspect.isgenerator(result) else result


def _use_asyncio(use: Use, *args: Any, **options: Any) -> Any:
    async def run() -> Any:
        async with AsyncVaultClient(*args, **options) as client:
            result = use(client)
            if isinstance(result, AsyncIterator):
                return [item async for item in result]
            return await result

    return asyncio.run(run())


@pytest.fixture(params=[_use_blocking, _use_asyncio], ids=["blocking", "asyncio"])
def use_client(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Run a function on a client of either kind, and give its result; a stream's as a list."""
    chosen: Callable[..., Any] = request.param
    return chosen
