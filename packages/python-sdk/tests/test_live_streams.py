"""Streams that end early, cancelled tasks and many threads, against the built vault-server."""

from __future__ import annotations

import asyncio
import os
import queue
import select
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from loopback_http import RawHandler, serving
from vault_proxy import AsyncVaultClient, VaultClient, VaultError, VaultTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = "correct horse battery staple"
SECONDS = 10


class Api(RawHandler):
    """Answers `/forever` with a chunk, and no more until its caller goes away; the rest with what was asked.

    `/drip` flows for 0.8 s; `/reset` breaks off without an answer.
    """

    ended: queue.Queue[str]

    def answer(self) -> None:
        self.read_body()
        if self.target.startswith("/reset"):
            self.ended.put(self.command)
            self.connection.close()
            self.close_connection = True
            return
        if self.target == "/drip":
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for _ in range(8):
                time.sleep(0.1)
                self.wfile.write(b"5\r\ndrop\n\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        if not self.target.startswith("/forever"):
            self.send_whole(200, {}, self.target.encode())
            return
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        # The end of a line is the beginning of no secret, which the vault would hold back.
        self.wfile.write(b"6\r\nfirst\n\r\n")
        self.wfile.flush()
        readable, _, _ = select.select([self.connection], [], [], SECONDS)
        if readable and self.connection.recv(1) == b"":
            self.ended.put(self.target)
        self.close_connection = True


class ManyAtOnce(ThreadingHTTPServer):
    """Takes as many connections at a time as the tests make; of more than five the default leaves some hanging."""

    request_queue_size = 256


@pytest.fixture(scope="module")
def ended() -> queue.Queue[str]:
    """Give the targets whose callers went away."""
    return queue.Queue()


@pytest.fixture(scope="module")
def token(vault_addr: str, ended: queue.Queue[str]) -> Iterator[str]:
    server = ManyAtOnce(("127.0.0.1", 0), type("ThisApi", (Api,), {"ended": ended}))
    with serving(server), VaultClient(vault_addr) as admin:
        admin.unlock(PASSWORD)
        admin.add_service(
            {
                "name": "api",
                "base_url": f"http://127.0.0.1:{server.server_port}",
                "auth": {"type": "bearer", "token": "key-of-the-api-0123456789"},
                "allow_private": True,
            }
        )
        yield admin.create_token(ttl="1h").id


def test_closing_a_stream_ends_the_call_at_the_api(vault_addr: str, token: str, ended: queue.Queue[str]) -> None:
    with VaultClient(vault_addr, token) as agent:
        stream = agent.proxy_stream("api", "GET", "/forever/closed")
        assert next(stream) == b"first\n"
        stream.close()
        assert ended.get(timeout=SECONDS) == "/forever/closed"
        assert agent.proxy("api", "GET", "/after").text == "/after"


def test_a_stream_is_not_read_on_after_its_client_is_closed(
    vault_addr: str, token: str, ended: queue.Queue[str]
) -> None:
    with VaultClient(vault_addr, token) as agent:
        stream = agent.proxy_stream("api", "GET", "/forever/kept")
        assert next(stream) == b"first\n"
    with pytest.raises(RuntimeError, match=r"^this VaultClient is closed: make another, or call within its `with`$"):
        next(stream)
    assert ended.get(timeout=SECONDS) == "/forever/kept"


def test_a_stream_that_is_interrupted_ends_the_call_and_leaves_the_client_usable(
    vault_addr: str, token: str, ended: queue.Queue[str]
) -> None:
    with VaultClient(vault_addr, token) as agent:
        stream = agent.proxy_stream("api", "GET", "/forever/interrupted")
        assert next(stream) == b"first\n"
        # A shell that starts the tests in the background has them ignore it.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        interruption = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
        interruption.start()
        with pytest.raises(KeyboardInterrupt):
            next(stream)
        interruption.join()
        signal.signal(signal.SIGINT, before)
        assert ended.get(timeout=SECONDS) == "/forever/interrupted"
        assert agent.proxy("api", "GET", "/after").text == "/after"


def test_cancelling_a_task_ends_the_call_at_the_api(vault_addr: str, token: str, ended: queue.Queue[str]) -> None:
    async def read(agent: AsyncVaultClient, path: str, begun: asyncio.Event) -> None:
        async for chunk in agent.proxy_stream("api", "GET", path):
            assert chunk == b"first\n"
            begun.set()

    async def run() -> None:
        async with AsyncVaultClient(vault_addr, token) as agent:
            begun = asyncio.Event()
            reading = asyncio.create_task(read(agent, "/forever/cancelled", begun))
            await asyncio.wait_for(begun.wait(), SECONDS)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert await asyncio.to_thread(ended.get, timeout=SECONDS) == "/forever/cancelled"
            assert (await agent.proxy("api", "GET", "/after")).text == "/after"

    asyncio.run(run())


def test_a_time_limit_around_a_call_ends_it_at_the_api(vault_addr: str, token: str, ended: queue.Queue[str]) -> None:
    async def run() -> None:
        async with AsyncVaultClient(vault_addr, token) as agent:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(agent.proxy("api", "GET", "/forever/late"), 0.5)
            assert await asyncio.to_thread(ended.get, timeout=SECONDS) == "/forever/late"

    asyncio.run(run())


def test_a_stream_left_by_break_is_ended_by_aclosing(vault_addr: str, token: str, ended: queue.Queue[str]) -> None:
    async def run() -> None:
        async with AsyncVaultClient(vault_addr, token) as agent:
            async with aclosing(agent.proxy_stream("api", "GET", "/forever/left")) as chunks:
                async for _ in chunks:
                    break
            assert await asyncio.to_thread(ended.get, timeout=SECONDS) == "/forever/left"

    asyncio.run(run())


def test_a_stream_that_stops_flowing_is_given_up_after_the_time_limit(
    vault_addr: str, token: str, ended: queue.Queue[str]
) -> None:
    with VaultClient(vault_addr, token) as agent:
        stream = agent.proxy_stream("api", "GET", "/forever/silent", timeout=0.3)
        assert next(stream) == b"first\n"
        with pytest.raises(VaultTimeoutError):
            next(stream)
    assert ended.get(timeout=SECONDS) == "/forever/silent"


@pytest.mark.parametrize("kind", [VaultClient.proxy_stream, VaultClient.proxy])
def test_a_stream_that_keeps_flowing_is_not_cut_by_the_time_limit(
    vault_addr: str, token: str, kind: Callable[..., Any]
) -> None:
    with VaultClient(vault_addr, token, timeout=0.5) as agent:
        answer = kind(agent, "api", "GET", "/drip")
        body = answer.content if isinstance(answer, httpx.Response) else b"".join(answer)
        assert body == b"drop\n" * 8


def test_an_api_that_breaks_off_gets_a_call_that_changes_something_once(
    vault_addr: str, token: str, ended: queue.Queue[str]
) -> None:
    with VaultClient(vault_addr, token) as agent:
        for method in ("POST", "PUT", "PATCH"):
            with pytest.raises(VaultError) as raised:
                agent.proxy("api", method, "/reset", data=b"x")
            assert (raised.value.status_code, raised.value.code) == (502, "upstream_failed")
            assert ended.get(timeout=SECONDS) == method
            assert ended.empty()


def test_threads_share_a_client(vault_addr: str, token: str) -> None:
    barrier = threading.Barrier(16)

    def work(agent: VaultClient, number: int) -> list[str]:
        barrier.wait(SECONDS)
        answers = [agent.proxy("api", "GET", f"/{number}/{i}").text for i in range(10)]
        streamed = [b"".join(agent.proxy_stream("api", "GET", f"/{number}/s{i}")).decode() for i in range(5)]
        return answers + streamed

    with VaultClient(vault_addr, token) as agent, ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda number: work(agent, number), range(16)))
    for number, answers in enumerate(results):
        assert answers == [f"/{number}/{i}" for i in range(10)] + [f"/{number}/s{i}" for i in range(5)]


def test_a_stream_that_is_read_slowly_keeps_no_other_call_waiting(
    vault_addr: str, token: str, ended: queue.Queue[str]
) -> None:
    # More than httpx would have connections by itself.
    count = 120

    async def run() -> None:
        async with AsyncVaultClient(vault_addr, token) as agent:
            streams = [agent.proxy_stream("api", "GET", f"/forever/{i}") for i in range(count)]
            assert await asyncio.gather(*(anext(stream) for stream in streams)) == [b"first\n"] * count
            began = time.monotonic()
            assert (await agent.proxy("api", "GET", "/meanwhile")).text == "/meanwhile"
            assert time.monotonic() - began < SECONDS
            for stream in streams:
                await stream.aclose()

    asyncio.run(run())
    assert {ended.get(timeout=SECONDS) for _ in range(count)} == {f"/forever/{i}" for i in range(count)}
