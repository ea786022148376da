"""What is said where no answer came, or half of one, and what is refused before anything is sent."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import Answer, StubVault
from loopback_http import answer_one
from vault_proxy import AsyncVaultClient, VaultClient, VaultConnectionError, VaultError, VaultTimeoutError
from vault_proxy.address import resolve_address
from vault_proxy.connection_errors import call_error
from vault_proxy.operations.vault_state import health

UseClient = Callable[..., Any]

TOKEN = "tok_" + "e" * 43
HEALTH: Callable[[Any], Any] = lambda c: c.health()  # noqa: E731 - a call, as those in the tables below
GET: Callable[[Any], Any] = lambda c: c.proxy("api", "GET", "/")  # noqa: E731
STREAM: Callable[[Any], Any] = lambda c: c.proxy_stream("api", "GET", "/")  # noqa: E731


def failure(use_client: UseClient, call: Callable[[Any], Any], addr: str | None, **options: Any) -> Any:
    """Give the error of a call that is made once."""
    with pytest.raises(VaultConnectionError) as raised:
        use_client(call, addr, TOKEN, retries=0, **options)
    error = raised.value
    assert isinstance(error, httpx.TransportError)
    assert (error.status_code, error.response) == (0, None)
    assert isinstance(error.__cause__, httpx.TransportError)
    assert str(error) == f"{error.message} [{error.code}]"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made by this test
    assert type(again) is type(error)
    assert (str(again), again.code, again.request_id) == (str(error), error.code, error.request_id)
    return error


@contextmanager
def nobody_listens() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.mark.parametrize("call", [HEALTH, GET, STREAM])
def test_a_vault_that_does_not_run_is_told_as_that_and_how_to_start_it(
    use_client: UseClient, call: Callable[[Any], Any]
) -> None:
    with nobody_listens() as where:
        error = failure(use_client, call, f"http://{where}/base")
    assert error.code == "connection_failed"
    assert error.message == (
        f"cannot reach the vault at http://{where}/base: nobody listens there; "
        "start one here with `vault-cli up`, or see that addr= is right"
    )
    assert isinstance(error.__cause__, httpx.ConnectError)


def test_a_name_of_several_addresses_is_told_alike(use_client: UseClient) -> None:
    with nobody_listens() as where:
        error = failure(use_client, HEALTH, f"http://localhost:{where.rpartition(':')[2]}")
    assert ": nobody listens there; start one here with `vault-cli up`" in error.message


def test_the_variable_that_named_the_vault_is_told(use_client: UseClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody_listens() as where:
        monkeypatch.setenv("VAULT_ADDR", f"http://{where}")
        assert failure(use_client, HEALTH, None).message.endswith(", or see that VAULT_ADDR is right")


def test_what_the_caller_handled_meanwhile_is_not_taken_for_the_reason(use_client: UseClient) -> None:
    with nobody_listens() as where:
        try:
            raise FileNotFoundError(2, "a file of the caller")
        except FileNotFoundError:
            assert "nobody listens there" in failure(use_client, HEALTH, f"http://{where}").message


# Of a socket that it cannot connect, anyio leaves the closing to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_unix_socket_that_cannot_be_opened_says_why(use_client: UseClient, tmp_path: Path) -> None:
    missing, left, long = tmp_path / "missing", tmp_path / "left", tmp_path / ("x" * 200)
    with socket.socket(socket.AF_UNIX) as bound:
        # The temporary directory of pytest may be longer than the name of a socket.
        here = os.open(tmp_path, os.O_PATH)
        bound.bind(f"/proc/self/fd/{here}/left")
        os.close(here)
    assert failure(use_client, HEALTH, f"unix:{missing}").message == (
        f"cannot reach the vault at unix:{missing}: there is no such socket; "
        "start one here with `vault-cli up`, or see that addr= is right"
    )
    assert ": nobody listens there; start one here" in failure(use_client, HEALTH, f"unix:{left}").message
    assert ": AF_UNIX path too long; see that addr=" in failure(use_client, HEALTH, f"unix:{long}").message
    gc.collect()


class GatheredError(Exception):
    """What is an ExceptionGroup where there are such."""

    exceptions = (ConnectionRefusedError(111, "no"),)


def raised_from(error: httpx.RequestError, cause: Exception) -> httpx.RequestError:
    """Give the error as httpcore leaves it: the cause is found only by what was handled."""
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            raised_from(httpx.ConnectError("no"), PermissionError(13, "no")),
            "^cannot reach the .*this user may not open it",
        ),
        (
            raised_from(httpx.ConnectError("no"), GatheredError()),
            "^cannot reach .*nobody listens there; see that addr= is",
        ),
        (
            raised_from(httpx.ConnectError("no"), socket.gaierror(-2, "no")),
            "^cannot reach the .*cannot be looked up; see",
        ),
        (httpx.ConnectTimeout(""), r"^no connection to the vault at .* within 4 s \(the connect timeout; timeout= of"),
        (httpx.WriteTimeout(""), r"^the vault at .* took no more of the request within 6 s \(the write timeout;"),
        (httpx.PoolTimeout(""), r"^all connections .* in use, .* within 7 s: close streams .* \(the pool timeout;"),
        (httpx.ProxyError("403 Forbidden"), "^the HTTPS_PROXY of the environment did not .*: 403 Forbidden$"),
        (httpx.LocalProtocolError("too little data"), "^this cannot be sent: too little data$"),
    ],
)
def test_every_other_failure_has_a_sentence_of_its_own(error: httpx.RequestError, said: str) -> None:
    limits = {"connect": 4.0, "read": None, "write": 6.0, "pool": 7.0}
    request = httpx.Request("GET", "https://vault.example/health", extensions={"timeout": limits})
    told = call_error(error, health(), resolve_address("https://vault.example", {}), request)
    assert re.search(said, told.message), told.message


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate that nobody signed, with its key in the same file."""
    file = tmp_path_factory.mktemp("tls") / "own.pem"
    openssl = shutil.which("openssl")
    assert openssl is not None
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
    subprocess.run([*command, "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


def test_tls_and_none_are_told_apart(listener: socket.socket, use_client: UseClient, certificate: Path) -> None:
    where = f"127.0.0.1:{listener.getsockname()[1]}"
    done = answer_one(listener, b"HTTP/1.1 400 Bad Request\r\n\r\n", until=b"")
    error = failure(use_client, HEALTH, f"https://{where}", ssl_context=ssl.create_default_context())
    assert error.message.startswith(f"cannot speak TLS with the vault at https://{where}: it does not answer in TLS; ")
    done()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def accept() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                context.wrap_socket(connection, server_side=True)
            except (ssl.SSLError, ConnectionError):
                return

    for scheme, said in (
        ("https", "its certificate is not accepted (self-signed certificate); for a CA of your own pass ssl_context="),
        ("http", "closed the connection without an answer; where it has TLS, write https://"),
    ):
        server = threading.Thread(target=accept)
        server.start()
        error = failure(use_client, HEALTH, f"{scheme}://{where}", ssl_context=ssl.create_default_context())
        server.join()
        assert said in error.message


def test_what_does_not_speak_http_is_told(listener: socket.socket, use_client: UseClient) -> None:
    answer_one(listener, b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    error = failure(use_client, HEALTH, f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert error.message.endswith(" does not speak HTTP: is this the vault's address?")


@pytest.mark.parametrize("call", [GET, STREAM])
@pytest.mark.parametrize("framing", [b"content-length: 9\r\n\r\nab", b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n"])
def test_an_answer_that_breaks_off_says_whose_it_is(
    listener: socket.socket, use_client: UseClient, call: Callable[[Any], Any], framing: bytes
) -> None:
    answer_one(listener, b"HTTP/1.1 200 OK\r\nx-vault-request-id: r9\r\n" + framing)
    error = failure(use_client, call, f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert error.message == "the answer of the service api broke off before its end"
    assert (error.code, error.request_id) == ("connection_failed", "r9")


@pytest.mark.parametrize("call", [GET, STREAM])
def test_an_answer_in_another_encoding_than_it_says_is_no_error_of_zlib(
    vault: StubVault, use_client: UseClient, call: Callable[[Any], Any]
) -> None:
    vault.otherwise = Answer(200, b"no gzip", {"content-encoding": "gzip", "x-vault-request-id": "r8"})
    with pytest.raises(VaultError, match=r"the service api is not in the Content-Encoding .* \(gzip\)") as raised:
        use_client(call, vault.addr)
    error = raised.value
    assert (error.status_code, error.code, error.request_id) == (200, "unexpected_answer", "r8")
    assert isinstance(error.__cause__, httpx.DecodingError)


@pytest.mark.parametrize("kind", [VaultClient, AsyncVaultClient])
def test_an_answer_that_cannot_be_decoded_keeps_no_connection(
    listener: socket.socket, kind: type[VaultClient | AsyncVaultClient]
) -> None:
    addr = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ended = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 99\r\n\r\nno gzip")
            if connection.recv(1) == b"":
                ended.set()

    async def use_async() -> None:
        async with AsyncVaultClient(addr) as client:
            with pytest.raises(VaultError, match="Content-Encoding") as raised:
                await client.proxy("api", "GET", "/")
            # While its frames live: nothing is left to the collector.
            assert raised.tb is not None
            assert await asyncio.to_thread(ended.wait, 5)

    server = threading.Thread(target=serve)
    server.start()
    if kind is AsyncVaultClient:
        asyncio.run(use_async())
    else:
        with VaultClient(addr) as client:
            with pytest.raises(VaultError, match="Content-Encoding") as raised:
                client.proxy("api", "GET", "/")
            assert raised.tb is not None
            assert ended.wait(5)
    server.join()


def test_a_timeout_says_which_how_long_and_how_to_change_it(listener: socket.socket, use_client: UseClient) -> None:
    addr = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for call, what in (
        (HEALTH, f"no answer of the vault at {addr} came"),
        (GET, f"no answer of the service api came by the vault at {addr}"),
    ):
        error = failure(use_client, call, addr, timeout=0.05)
        assert isinstance(error, VaultTimeoutError)
        assert isinstance(error, httpx.TimeoutException)
        mend = "(the read timeout; timeout= of the client or of the call sets another)"
        assert str(error) == f"{what} within 0.05 s {mend} [timeout]"
    answer = b"HTTP/1.1 200 OK\r\nx-vault-request-id: r7\r\ncontent-length: 9\r\n\r\nab"
    held = threading.Event()

    def serve() -> None:
        # Those before gave up.
        for _ in range(2):
            listener.accept()[0].close()
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)
            held.wait(10)

    server = threading.Thread(target=serve)
    server.start()
    error = failure(use_client, STREAM, addr, timeout=0.5)
    held.set()
    server.join()
    assert error.message.startswith("no more of the answer of the service api came within 0.5 s (the read timeout; ")
    assert error.request_id == "r7"


@pytest.mark.parametrize("timeout", ["abc", "5", True, [], (1, 2), {}])
def test_what_is_no_timeout_is_refused_by_name(use_client: UseClient, timeout: Any) -> None:
    for use, options in (
        (HEALTH, {"timeout": timeout}),
        (lambda c: c.proxy("api", "GET", "/", timeout=timeout), {}),
    ):
        with pytest.raises(TypeError, match=r"^timeout is a number of seconds, an httpx.Timeout, or None to wait for"):
            use_client(use, "http://127.0.0.1:1", **options)


@pytest.mark.parametrize("timeout", [float("inf"), 10**400, 1e9])
def test_a_timeout_longer_than_clocks_count_waits_for_ever(
    vault: StubVault, use_client: UseClient, timeout: float
) -> None:
    assert use_client(GET, vault.addr, timeout=timeout).status_code == 200


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda c: c.proxy("api", 5, "/"), TypeError, "the method is text"),
        (lambda c: c.proxy("api", "GE T", "/"), ValueError, "the method holds a character"),
        (lambda c: c.proxy("api", "GET", None), TypeError, "the path is text, not NoneType"),
        (lambda c: c.proxy(None, "GET", "/"), TypeError, "the name of a service is text, not NoneType"),
        (lambda c: c.get_service(5), TypeError, "the name of a service is text, not int"),
        (lambda c: c.proxy("api", "POST", "/", data=5), TypeError, "data is bytes, text, an iterable"),
        (lambda c: c.proxy("api", "GET", "/", headers={"a b": "hush"}), ValueError, "the name of a header holds"),
        (lambda c: c.proxy("api", "GET", "/", headers={"x": "hush\nhush"}), ValueError, "the header x holds"),
        (lambda c: c.proxy("api", "GET", "/", headers=[("x", "hush\xe9")]), ValueError, "the header x holds"),
        (lambda c: c.proxy("api", "GET", "/", headers={"x": 5}), TypeError, "the header x is text, not int"),
    ],
)
def test_what_cannot_be_sent_is_told_before_anything_is(
    vault: StubVault, use_client: UseClient, call: Callable[[Any], Any], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=f"^{said}") as raised:
        use_client(call, vault.addr, TOKEN)
    assert "hush" not in str(raised.value)
    assert vault.seen == []


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"token": 5}, TypeError, "the token is text, not int"),
        ({"token": f"Bearer {TOKEN}"}, ValueError, "a space: give it without 'Bearer'$"),
        ({"ssl_context": "ca.pem"}, TypeError, "ssl_context is an ssl.SSLContext"),
    ],
)
def test_options_of_another_kind_are_refused_by_name(
    use_client: UseClient, options: dict[str, Any], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said) as raised:
        use_client(lambda c: c.list_services(), "http://127.0.0.1:1", **options)
    assert TOKEN not in str(raised.value)


def test_an_error_of_a_connection_is_pickled_without_the_password_that_was_sent(use_client: UseClient) -> None:
    with nobody_listens() as where:
        error = failure(use_client, lambda c: c.unlock("correct horse"), f"http://{where}")
    assert b"correct horse" in error.request.content
    assert b"correct horse" not in pickle.dumps(error)
