"""Sessions of the built vault-server, opened by the SDK, with a server behind them that wants a password."""

from __future__ import annotations

import asyncio
import socket
import socketserver
from typing import TYPE_CHECKING, Any

import pytest

from loopback_http import serving
from vault_proxy import AsyncVaultClient, Session, VaultClient, VaultError

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse battery staple"
SECRET = "kept-in-the-vault-7Gq2"
PING = b"*1\r\n$4\r\nPING\r\n"


class WithPassword(socketserver.StreamRequestHandler):
    """Speaks as much of RESP2 as a session needs: AUTH with the stored password, then anything is answered PONG."""

    def handle(self) -> None:
        authenticated = False
        while words := self._command():
            if words[0].upper() == b"AUTH":
                authenticated = words[-1] == SECRET.encode()
                self.wfile.write(b"+OK\r\n" if authenticated else b"-WRONGPASS no\r\n")
            else:
                self.wfile.write(b"+PONG\r\n" if authenticated else b"-NOAUTH no\r\n")

    def _command(self) -> list[bytes]:
        count = int(self.rfile.readline()[1:] or b"0")
        return [self.rfile.read(int(self.rfile.readline()[1:]) + 2)[:-2] for _ in range(count)]


@pytest.fixture(scope="module")
def token(vault_addr: str) -> Iterator[str]:
    """Create the vault with a service of type redis in it, and give a proxy token."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), WithPassword)
    server.daemon_threads = True
    with serving(server), VaultClient(vault_addr) as admin:
        admin.unlock(PASSWORD)
        admin.add_service(
            {
                "name": "cache",
                "auth": {
                    "type": "redis",
                    "redis_host": "127.0.0.1",
                    "redis_port": server.server_address[1],
                    "redis_password": SECRET,
                },
                "allow_private": True,
                "max_connections": 10,
            }
        )
        yield admin.create_token(name="live", ttl="1h").id


def connected(session: Session, *commands: bytes) -> socket.socket:
    client = socket.create_connection((session.host, session.port), timeout=10)
    for command in commands:
        client.sendall(command)
        assert client.recv(100) in (b"+OK\r\n", b"+PONG\r\n")
    return client


def test_a_service_of_sessions_is_listed_with_its_server_and_settings(vault_addr: str, token: str) -> None:
    with VaultClient(vault_addr, token) as agent:
        (service,) = agent.list_services()
    assert (service.auth_type, service.base_url, service.redis_host) == ("redis", None, "127.0.0.1")
    assert service.max_connections == 10
    assert SECRET not in repr(service)


def test_a_session_is_used_by_a_client_without_the_password_and_ends_with_its_block(
    vault_addr: str, token: str
) -> None:
    with VaultClient(vault_addr, token) as agent:
        with agent.session("redis", "cache", timeout=60) as session:
            assert session.url == f"redis://{session.addr}/0"
            client = connected(session, PING)
            (listed,) = agent.list_sessions()
            assert (listed.id, listed.service, listed.connections) == (session.id, "cache", 1)
            assert listed.token.startswith("tok_")
            assert token not in listed.token
            assert listed.bytes_in == len(PING)
        assert client.recv(1) == b""
        client.close()
        assert agent.list_sessions() == []
        session.close()
        with pytest.raises(VaultError) as error:
            agent.close_session(session.id)
        assert error.value.code == "not_found"


def test_what_is_asked_of_a_session_is_what_it_does(vault_addr: str, token: str) -> None:
    with (
        VaultClient(vault_addr, token) as agent,
        agent.session("redis", "cache", max_connections=2, require_password=True, idle_timeout="1s") as session,
    ):
        assert session.password is not None
        assert session.password in session.url
        assert session.password not in repr(session)
        login = f"AUTH {session.username} {session.password}\r\n".encode()
        clients = [connected(session, login, PING) for _ in range(2)]
        with socket.create_connection((session.host, session.port), timeout=10) as third:
            assert third.recv(100) == b"-ERR max number of clients reached\r\n"
        for client in clients:
            assert client.recv(1) == b""
            client.close()


@pytest.mark.parametrize(
    ("service", "options", "code"),
    [
        ("nothing", {}, "not_found"),
        ("cache", {"timeout": 301, "max_connections": 1}, "invalid_request"),
        ("cache", {"max_connections": 11}, "invalid_request"),
        ("cache", {"idle_timeout": "soon"}, "invalid_request"),
    ],
)
def test_what_the_vault_refuses_is_an_error_of_the_vault(
    vault_addr: str, token: str, service: str, options: dict[str, Any], code: str
) -> None:
    with VaultClient(vault_addr, token) as agent, pytest.raises(VaultError) as error:
        agent.session("redis", service, **options)
    assert error.value.code == code


def test_a_block_whose_session_a_lock_has_ended_is_left_in_peace(vault_addr: str, token: str) -> None:
    with VaultClient(vault_addr) as admin, VaultClient(vault_addr, token) as agent:
        admin.unlock(PASSWORD)
        with agent.session("redis", "cache") as session:
            client = connected(session, PING)
            admin.lock()
            assert client.recv(1) == b""
            client.close()
        admin.unlock(PASSWORD)


def test_an_asyncio_session_ends_with_its_block(vault_addr: str, token: str) -> None:
    async def run() -> None:
        async with AsyncVaultClient(vault_addr, token) as agent:
            async with await agent.session("redis", "cache", max_connections=3, timeout=600) as session:
                reader, writer = await asyncio.open_connection(session.host, session.port)
                writer.write(PING)
                assert await reader.readline() == b"+PONG\r\n"
                assert [listed.id for listed in await agent.list_sessions()] == [session.id]
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
            await session.close()
            assert await agent.list_sessions() == []

    asyncio.run(run())
