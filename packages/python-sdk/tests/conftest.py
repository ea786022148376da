"""Real servers on loopback, and one way to drive the blocking and the asyncio client alike."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from built_server import answer_faults, serve_vault
from loopback_http import RawHandler, serving
from vault_proxy import AsyncVaultClient, VaultClient

AnyClient = Any
Use = Callable[[AnyClient], Any]


@dataclass
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int = 0
    """The port that it came from."""


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StubVault:
    """Answers each request from `answers` (by method and target), else by `otherwise`; keeps what it saw."""

    addr: str
    otherwise: Answer = field(default_factory=Answer)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session whose servers gave an answer that OpenAPI does not promise."""
    faults = answer_faults()
    if faults:
        print("\n" + faults)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_PROXY_SOCK", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def vault_addr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a built vault-server that is the module's own."""
    with serve_vault(tmp_path_factory.mktemp("vault")) as address:
        yield address


@pytest.fixture
def vault() -> Iterator[StubVault]:
    class Handler(RawHandler):
        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            stub.seen.append(Seen(self.command, self.target, headers, self.read_body(), self.client_address[1]))
            answer = stub.answers.get((self.command, self.target), stub.otherwise)
            self.send_whole(answer.status, answer.headers, answer.body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub = StubVault(f"http://127.0.0.1:{server.server_port}")
    with serving(server):
        yield stub


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
