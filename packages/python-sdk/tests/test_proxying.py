"""Calls of APIs, against a stub of the vault and raw listeners: what goes out, and what comes back."""

from __future__ import annotations

import io
import threading
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest

from conftest import Answer, StubVault
from loopback_http import answer_one
from vault_proxy import AsyncVaultClient, VaultClient, VaultError

if TYPE_CHECKING:
    import socket

TOKEN = "tok_" + "a" * 43
UseClient = Callable[..., Any]


@pytest.mark.parametrize(
    "path",
    ["/a%2Fb", "/100%25", "/%25ef", "/?a=%20+", "//x", "", "/../x", "/%2e%2e/x", "/a\\b", '/"<>|', "/" + "a" * 8192],
)
def test_the_path_reaches_the_wire_byte_for_byte(listener: socket.socket, use_client: UseClient, path: str) -> None:
    answered = answer_one(listener, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    use_client(lambda c: c.proxy("svc", "GET", path), f"http://127.0.0.1:{listener.getsockname()[1]}/base")
    assert answered().split(b"\r\n")[0] == f"GET /base/proxy/svc{path} HTTP/1.1".encode()


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ({"json": {"a": 1}}, b'{"a":1}', "application/json"),
        ({"data": b"\x00raw"}, b"\x00raw", None),
        ({"data": "text"}, b"text", None),
        ({"data": {"k": "a b"}}, b"k=a+b", "application/x-www-form-urlencoded"),
        ({}, b"", None),
    ],
)
def test_each_kind_of_body_is_sent(
    vault: StubVault, use_client: UseClient, body: dict[str, Any], sent: bytes, content_type: str | None
) -> None:
    use_client(lambda c: c.proxy("svc", "POST", "/", **body), vault.addr)
    assert vault.seen[0].body == sent
    assert vault.seen[0].headers.get("content-type") == content_type


def test_json_and_data_together_are_refused(vault: StubVault, use_client: UseClient) -> None:
    with pytest.raises(ValueError, match="not both"):
        use_client(lambda c: c.proxy("svc", "POST", "/", json={}, data=b""), vault.addr)
    assert vault.seen == []


def test_the_callers_headers_are_sent_but_never_in_place_of_the_token(vault: StubVault, use_client: UseClient) -> None:
    headers = {"Accept": "text/plain", "Authorization": "Bearer sk-mine", "X-Vault-Token": "tok_other"}
    use_client(lambda c: c.proxy("svc", "GET", "/", headers=headers), vault.addr, TOKEN)
    seen = vault.seen[0].headers
    assert seen["accept"] == "text/plain"
    assert seen["authorization"] == f"Bearer {TOKEN}"
    assert "x-vault-token" not in seen


@pytest.mark.parametrize("name", ["Host", "host", "HOST"])
def test_a_host_header_is_refused(vault: StubVault, use_client: UseClient, name: str) -> None:
    for headers in ({name: "evil.example"}, [("x-a", "1"), (name, "evil.example")]):
        with pytest.raises(ValueError, match="Host header"):
            use_client(lambda c, headers=headers: c.proxy("svc", "GET", "/", headers=headers), vault.addr, TOKEN)
        with pytest.raises(ValueError, match="Host header"):
            use_client(lambda c, headers=headers: c.proxy_stream("svc", "GET", "/", headers=headers), vault.addr)
    assert vault.seen == []


def test_a_redirect_goes_to_the_caller(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["GET", "/proxy/svc/"] = Answer(302, headers={"location": f"{vault.addr}/elsewhere"})
    assert use_client(lambda c: c.proxy("svc", "GET", "/"), vault.addr).status_code == 302
    assert len(vault.seen) == 1


def test_a_stream_raises_a_redirect_rather_than_to_yield_nothing(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["GET", "/proxy/svc/"] = Answer(302, headers={"location": f"{vault.addr}/elsewhere"})
    with pytest.raises(VaultError, match="redirects are not followed") as raised:
        use_client(lambda c: c.proxy_stream("svc", "GET", "/"), vault.addr)
    assert raised.value.status_code == 302
    assert raised.value.response is not None
    assert raised.value.response.headers["location"] == f"{vault.addr}/elsewhere"
    assert len(vault.seen) == 1


@pytest.mark.parametrize("method", ["proxy", "proxy_stream"])
def test_an_error_of_the_api_keeps_its_answer_and_has_no_code(
    vault: StubVault, use_client: UseClient, method: str
) -> None:
    # The body looks like the vault's; only X-Vault-Error tells the two apart.
    vault.answers["GET", "/proxy/svc/"] = Answer(401, b'{"error": "bad key", "code": "unauthorized"}')
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: getattr(c, method)("svc", "GET", "/"), vault.addr, TOKEN)
    error = raised.value
    assert (error.status_code, error.code) == (401, None)
    assert error.response is not None
    assert error.response.json() == {"error": "bad key", "code": "unauthorized"}
    assert TOKEN not in f"{error!r} {error.response.request.headers!r}"


def test_a_stream_yields_each_chunk_before_the_next_is_sent(listener: socket.socket) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for event in (b"one", b"two"):
                connection.sendall(b"3\r\n" + event + b"\r\n")
                assert received.wait(10)
                received.clear()
            connection.sendall(b"0\r\n\r\n")

    received = threading.Event()
    server = threading.Thread(target=serve)
    server.start()
    chunks = []
    with VaultClient(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=5) as client:
        for chunk in client.proxy_stream("svc", "GET", "/"):
            chunks.append(chunk)
            received.set()
    server.join()
    assert chunks == [b"one", b"two"]


def test_closing_a_stream_early_closes_the_connection(listener: socket.socket) -> None:
    with VaultClient(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=5) as client:
        stream = client.proxy_stream("svc", "GET", "/")
        accepted: list[socket.socket] = []

        def serve() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
            accepted.append(connection)

        server = threading.Thread(target=serve)
        server.start()
        assert next(stream) == b"one"
        stream.close()
        server.join()
        with accepted[0] as connection:
            connection.settimeout(5)
            assert connection.recv(1) == b""


def test_an_upload_may_be_a_file(vault: StubVault, use_client: UseClient) -> None:
    content = b"line\n" * 50_000
    use_client(lambda c: c.proxy("svc", "PUT", "/", data=io.BytesIO(content)), vault.addr)
    assert vault.seen[0].body == content


async def awaited_chunks() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


@pytest.mark.parametrize(
    ("make", "sent"),
    [
        (lambda: iter([b"one", b"two"]), b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
        (lambda: [b"one", b"two"], b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
        (None, b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
    ],
    ids=["iterator", "list", "awaited"],
)
def test_an_upload_may_be_an_iterable_of_bytes(
    listener: socket.socket, use_client: UseClient, make: Callable[[], Any] | None, sent: bytes
) -> None:
    answered = answer_one(listener, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", until=b"0\r\n\r\n")

    def upload(client: Any) -> Any:
        if make is not None:
            return client.proxy("svc", "PUT", "/", data=make())
        data = awaited_chunks() if isinstance(client, AsyncVaultClient) else iter([b"one", b"two"])
        return client.proxy("svc", "PUT", "/", data=data)

    use_client(upload, f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert answered().endswith(sent)
