"""What is sent again, and what never is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import trio

from conftest import Answer, StubVault
from vault_proxy import AsyncVaultClient, VaultConnectionError, VaultError, VaultTimeoutError
from vault_proxy.operations.proxying import proxy
from vault_proxy.operations.vault_state import health, lock
from vault_proxy.retry import retry_delay

UseClient = Callable[..., Any]

LOCKED = b'HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{"status":"locked"}'


@contextmanager
def answering_in_turn(listening: socket.socket, *answers: bytes) -> Iterator[list[bytes]]:
    """Give each connection the next answer, of which some are nothing at all; and then accept no more."""
    seen: list[bytes] = []

    def serve() -> None:
        for answer in answers:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                seen.append(connection.recv(65536))
                connection.sendall(answer)

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield seen
    finally:
        listening.settimeout(0.001)
        with socket.socket() as waker:
            waker.connect_ex(listening.getsockname())
        server.join()


def address_of(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{"])
def test_a_get_whose_connection_was_cut_off_is_sent_again(
    listener: socket.socket, use_client: UseClient, first: bytes
) -> None:
    with answering_in_turn(listener, first, first, LOCKED) as seen:
        assert use_client(lambda c: c.health(), address_of(listener)) == "locked"
    assert len(seen) == 3


def test_a_call_is_sent_again_only_as_often_as_is_allowed(listener: socket.socket, use_client: UseClient) -> None:
    with (
        answering_in_turn(listener, b"", b"", b"") as seen,
        pytest.raises(VaultConnectionError),
    ):
        use_client(lambda c: c.health(), address_of(listener), retries=1)
    assert len([request for request in seen if request]) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.unlock("correct horse"),
        lambda c: c.create_token(),
        lambda c: c.remove_service("api"),
        lambda c: c.proxy("api", "GET", "/"),
        lambda c: c.proxy("api", "HEAD", "/"),
        lambda c: c.proxy("api", "POST", "/"),
        lambda c: c.test_service("api"),
        lambda c: c.proxy("api", "PUT", "/", data=b"x"),
        lambda c: c.proxy("api", "GET", "/", data=b"x"),
        lambda c: c.proxy_stream("api", "DELETE", "/"),
    ],
)
def test_what_is_proxied_or_changes_anything_is_sent_once(
    listener: socket.socket, use_client: UseClient, call: Callable[[Any], Any]
) -> None:
    with answering_in_turn(listener, b"", LOCKED) as seen, pytest.raises(VaultConnectionError):
        use_client(call, address_of(listener))
    assert len([request for request in seen if request]) == 1


def test_trio_waits_and_streams_as_asyncio_does(listener: socket.socket) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"

    async def run() -> bytes:
        async with AsyncVaultClient(address_of(listener), timeout=5) as client:
            assert await client.health() == "locked"
            return b"".join([chunk async for chunk in client.proxy_stream("api", "POST", "/", data=[b"x"])])

    with answering_in_turn(listener, b"", LOCKED, chunked) as seen:
        assert trio.run(run) == b"onetwo"
    assert len(seen) == 3


def test_a_stream_that_has_begun_is_not_begun_again(listener: socket.socket, use_client: UseClient) -> None:
    begun = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"
    with answering_in_turn(listener, begun, begun) as seen, pytest.raises(VaultConnectionError):
        use_client(lambda c: c.proxy_stream("api", "GET", "/"), address_of(listener))
    assert len([request for request in seen if request]) == 1


def test_a_get_that_found_nobody_listening_is_sent_again(use_client: UseClient) -> None:
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        answered = threading.Event()

        def listen_later() -> None:
            assert not answered.wait(0.05)
            reserved.listen()
            connection, _ = reserved.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(LOCKED)

        server = threading.Thread(target=listen_later)
        server.start()
        state = use_client(lambda c: c.health(), address_of(reserved))
        answered.set()
        server.join()
    assert state == "locked"


@pytest.mark.parametrize("timeout", [0, -1, 0.0, float("nan"), httpx.Timeout(5, read=0)])
def test_a_timeout_in_which_nothing_can_be_done_is_refused(
    vault: StubVault, use_client: UseClient, timeout: float | httpx.Timeout
) -> None:
    with pytest.raises(ValueError, match="more than 0 seconds"):
        use_client(lambda c: c.health(), vault.addr, timeout=timeout)
    with pytest.raises(ValueError, match="more than 0 seconds"):
        use_client(lambda c: c.proxy("api", "GET", "/", timeout=timeout), vault.addr)
    assert vault.seen == []


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limited"), (503, "audit_unavailable"), (502, None)])
def test_an_answer_is_never_asked_for_again_but_says_when_to(
    vault: StubVault, use_client: UseClient, status: int, code: str | None
) -> None:
    headers = {"retry-after": "7", **({} if code is None else {"x-vault-error": code})}
    vault.answers["GET", "/proxy/api/"] = Answer(status, b"{}", headers)
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.proxy("api", "GET", "/"), vault.addr)
    assert (raised.value.code, raised.value.retry_after) == (code, 7)
    assert len(vault.seen) == 1


@pytest.mark.parametrize(
    "value", ["Wed, 21 Oct 2026 07:28:00 GMT", "soon", "-1", "\N{SUPERSCRIPT TWO}".encode().decode("latin-1")]
)
def test_a_retry_after_that_is_no_number_of_seconds_is_none(
    vault: StubVault, use_client: UseClient, value: str
) -> None:
    vault.answers["GET", "/services"] = Answer(429, b"{}", {"retry-after": value})
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.list_services(), vault.addr)
    assert raised.value.retry_after is None


@pytest.mark.parametrize("retries", [-1, "2", None, 2.5, True])
def test_retries_that_are_no_number_of_them_are_refused(use_client: UseClient, retries: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^retries is a whole number, 0 for none: not "):
        use_client(lambda c: c.health(), "http://127.0.0.1:1", retries=retries)


def test_what_took_too_long_is_not_sent_again(listener: socket.socket, use_client: UseClient) -> None:
    with pytest.raises(VaultTimeoutError):
        use_client(lambda c: c.health(), address_of(listener), timeout=0.05)
    listener.accept()[0].close()
    listener.settimeout(0.3)
    with pytest.raises(TimeoutError):
        listener.accept()


def test_the_waits_grow_and_end() -> None:
    refused = httpx.ConnectError("refused")
    assert [retry_delay(health(), refused, n, 5) for n in range(1, 7)] == [0.1, 0.4, 1.6, 6.4, 6.4, None]
    assert retry_delay(health(), refused, 1, 0) is None


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError])
@pytest.mark.parametrize("method", ["GET", "get", "HEAD", "OPTIONS", "PUT", "DELETE", "POST"])
def test_only_what_reads_the_vault_is_worth_another_try(error: type[httpx.TransportError], method: str) -> None:
    call = proxy("api", method, "/", json=None, data=None, headers=None, params=None)
    assert retry_delay(call, error("no"), 1, 1) is None
    assert retry_delay(lock(revoke_tokens=True), error("no"), 1, 1) is None
    assert retry_delay(health(), error("no"), 1, 1) is not None


@pytest.mark.parametrize(
    "error", [httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout, httpx.LocalProtocolError]
)
def test_no_other_error_is_worth_another_try(error: type[httpx.TransportError]) -> None:
    assert retry_delay(health(), error("no"), 1, 5) is None
