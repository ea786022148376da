"""The SDK against the built vault-server: what the two promise each other, end to end."""

from __future__ import annotations

import asyncio
import json
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from built_server import in_turn
from loopback_http import RawHandler, serving
from vault_proxy import AsyncVaultClient, ServiceDefinition, VaultClient, VaultError

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse battery staple"
KEY = "live-test-key"


class Api(RawHandler):
    """Demands the key; then says what it saw, or streams what it was sent."""

    def answer(self) -> None:
        body = self.read_body()
        if self.headers["authorization"] != f"Bearer {KEY}":
            self._send_json(401, {"error": "no key"})
        elif self.target.startswith("/base/echo"):
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for byte in body:
                self.wfile.write(b"1\r\n" + bytes([byte]) + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        elif self.target.startswith("/base/teapot"):
            self._send_json(418, {"error": "short and stout"})
        else:
            self._send_json(200, {"line": self.requestline, "body": body.decode()})

    def _send_json(self, status: int, value: object) -> None:
        self.send_whole(status, {"content-type": "application/json"}, json.dumps(value).encode())


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}/base"


@pytest.fixture(scope="module")
def token(vault_addr: str, api_url: str) -> str:
    """Create the vault with one service in it, and give a proxy token."""
    with VaultClient(vault_addr) as admin:
        assert admin.health() == "locked"
        issued = admin.unlock(PASSWORD)
        assert issued.scope == "admin"
        assert admin.health() == "unlocked"
        admin.add_service(
            {
                "name": "api",
                "base_url": api_url,
                "auth": {"type": "bearer", "token": KEY},
                "allow_private": True,
            }
        )
        minted = admin.create_token(name="live", ttl="1h")
        assert minted.scope == "proxy"
        return minted.id


def test_services_are_listed_without_their_secrets(vault_addr: str, token: str, api_url: str) -> None:
    with VaultClient(vault_addr, token) as agent:
        (service,) = agent.list_services()
    assert (service.name, service.base_url, service.auth_type) == ("api", api_url, "bearer")
    assert KEY not in repr(service)


@pytest.mark.parametrize("path", ["/a%2Fb", "/100%25", "/%25ef", "/?a=%20+", "//x", "", "/" + "a" * 8192])
def test_the_path_reaches_the_api_byte_for_byte(vault_addr: str, token: str, path: str) -> None:
    with VaultClient(vault_addr, token) as agent:
        answer = agent.proxy("api", "GET", path)
    assert answer.json()["line"] == f"GET /base{path} HTTP/1.1"


@pytest.mark.parametrize("path", ["/../x", "/a/%2e%2e/b", "/%252e%252e/x", "/..%5cx"])
def test_a_path_that_climbs_is_refused_by_the_vault(vault_addr: str, token: str, path: str) -> None:
    with VaultClient(vault_addr, token) as agent, pytest.raises(VaultError) as raised:
        agent.proxy("api", "GET", path)
    assert (raised.value.status_code, raised.value.code) == (400, "invalid_request")


def test_bodies_and_params_arrive(vault_addr: str, token: str) -> None:
    with VaultClient(vault_addr, token) as agent:
        answer = agent.proxy("api", "POST", "/x", json={"a": 1}, params={"q": "1 2"})
    assert answer.json() == {"line": "POST /base/x?q=1+2 HTTP/1.1", "body": '{"a":1}'}


def test_uploads_and_downloads_are_streamed(vault_addr: str, token: str) -> None:
    with VaultClient(vault_addr, token) as agent:
        chunks = list(agent.proxy_stream("api", "POST", "/echo", data=iter([b"one ", b"two"])))
    assert b"".join(chunks) == b"one two"


def test_an_error_of_the_api_is_told_from_one_of_the_vault(vault_addr: str, token: str) -> None:
    with VaultClient(vault_addr, token) as agent:
        with pytest.raises(VaultError) as of_the_api:
            agent.proxy("api", "GET", "/teapot")
        with pytest.raises(VaultError) as of_the_vault:
            agent.proxy("nothing", "GET", "/")
    assert (of_the_api.value.status_code, of_the_api.value.code) == (418, None)
    assert of_the_api.value.response is not None
    assert of_the_api.value.response.json() == {"error": "short and stout"}
    assert of_the_api.value.message == "the API of the service api answered 418 I'm a Teapot: .response has its answer"
    assert of_the_api.value.request_id
    assert (of_the_vault.value.status_code, of_the_vault.value.code) == (404, "not_found")
    assert of_the_vault.value.response is None
    assert of_the_vault.value.request_id


def test_a_proxy_token_can_neither_mint_nor_lock(vault_addr: str, token: str) -> None:
    with VaultClient(vault_addr, token) as agent:
        for refused in (agent.create_token, agent.lock):
            with pytest.raises(VaultError) as raised:
                refused()
            assert (raised.value.status_code, raised.value.code) == (403, "forbidden")


def test_a_token_that_sends_secrets_of_others_is_suspended_until_it_is_resumed(
    vault_addr: str, token: str, api_url: str
) -> None:
    # One that is sent again soon is not counted again.
    others_keys = [f"other-key-7Gq2mZ0pLrT5vXyB9n{index}" for index in range(3)]
    with VaultClient(vault_addr) as admin:
        in_turn(lambda: admin.unlock(PASSWORD))
        other: ServiceDefinition = {
            "name": "other",
            "base_url": api_url,
            "auth": {
                "type": "headers",
                "headers": {f"X-Key-{index}": key for index, key in enumerate(others_keys)},
            },
            "allow_private": True,
            "scrub": "off",
        }
        assert admin.add_service(other).scrub == "off"
        sender = admin.create_token(name="sender").id
        with VaultClient(vault_addr, sender) as agent:
            for others_key in others_keys:
                with pytest.raises(VaultError) as refused:
                    agent.proxy("api", "POST", "/x", json={"note": others_key})
                assert (refused.value.status_code, refused.value.code) == (409, "secret_in_request")
            with pytest.raises(VaultError) as suspended:
                agent.proxy("api", "GET", "/x")
            assert (suspended.value.status_code, suspended.value.code) == (403, "token_suspended")
            admin.resume_token(sender[:12])
            assert agent.proxy("api", "GET", "/x").status_code == 200
        with VaultClient(vault_addr, token) as agent, pytest.raises(VaultError, match="scope"):
            agent.resume_token(sender)
        admin.remove_service("other")


def test_a_login_begins_is_looked_at_and_cancelled(vault_addr: str, token: str) -> None:
    with VaultClient(vault_addr) as admin, VaultClient(vault_addr, token) as agent:
        in_turn(lambda: admin.unlock(PASSWORD))
        started = admin.oauth_authorize(
            "calendar",
            "https://api.example.com",
            scopes=["read"],
            client_id="client",
            auth_url="https://id.example.com/authorize",
            token_url="https://id.example.com/token",
            authorize_params={"audience": "x"},
        )
        assert started.redirect_uri == f"{vault_addr}/auth/oauth2/callback"
        assert started.auth_url.startswith("https://id.example.com/authorize?")
        assert admin.oauth_flow(started.flow).status == "pending"
        with pytest.raises(VaultError) as refused:
            agent.oauth_flow(started.flow)
        assert refused.value.code == "forbidden"
        admin.cancel_oauth_flow(started.flow)
        ended = admin.oauth_flow(started.flow)
        assert (ended.status, ended.code) == ("failed", "cancelled")
        assert agent.health_tokens() == []


def test_a_wrong_token_is_unauthorized(vault_addr: str, token: str) -> None:
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    with VaultClient(vault_addr, wrong) as agent, pytest.raises(VaultError) as raised:
        agent.proxy("api", "GET", "/")
    assert (raised.value.status_code, raised.value.code) == (401, "unauthorized")
    with VaultClient(vault_addr) as nobody, pytest.raises(VaultError) as raised:
        nobody.proxy("api", "GET", "/")
    assert raised.value.message.endswith(" (this client has none: give token=, or set VAULT_TOKEN)")


def test_asyncio_calls_run_side_by_side(vault_addr: str, token: str) -> None:
    async def run() -> list[str]:
        async with AsyncVaultClient(vault_addr, token) as agent:
            answers = await asyncio.gather(*(agent.proxy("api", "GET", f"/{number}") for number in range(8)))
            streamed = b"".join([chunk async for chunk in agent.proxy_stream("api", "PUT", "/echo", data=b"abc")])
            return [answer.json()["line"] for answer in answers] + [streamed.decode()]

    lines = asyncio.run(run())
    assert lines == [*(f"GET /base/{number} HTTP/1.1" for number in range(8)), "abc"]


def test_lock_ends_calls_and_unlock_brings_the_same_tokens_back(vault_addr: str, token: str) -> None:
    with VaultClient(vault_addr) as admin, VaultClient(vault_addr, token) as agent:
        with pytest.raises(VaultError) as wrong:
            in_turn(lambda: admin.unlock("not the password"))
        assert (wrong.value.status_code, wrong.value.code) == (401, "unauthorized")
        in_turn(lambda: admin.unlock(PASSWORD))
        admin.lock()
        with pytest.raises(VaultError) as locked:
            agent.proxy("api", "GET", "/")
        assert (locked.value.status_code, locked.value.code) == (423, "vault_locked")
        assert locked.value.message == "the vault is locked (`vault-cli unlock` opens it, and so does unlock)"
        assert locked.value.request_id
        in_turn(lambda: admin.unlock(PASSWORD))
        assert agent.proxy("api", "GET", "/again").status_code == 200


def test_a_recovery_key_does_as_the_password_and_sets_a_new_one(vault_addr: str, token: str) -> None:
    with VaultClient(vault_addr) as admin, VaultClient(vault_addr, token) as agent:
        in_turn(lambda: admin.unlock(PASSWORD))
        key = admin.create_recovery_key(PASSWORD)
        admin.lock()
        in_turn(lambda: admin.unlock(key))
        admin.change_password(key, "another good one")
        admin.lock()
        with pytest.raises(VaultError) as wrong:
            in_turn(lambda: admin.unlock(PASSWORD))
        assert (wrong.value.status_code, wrong.value.code) == (401, "unauthorized")
        in_turn(lambda: admin.unlock("another good one"))
        admin.change_password("another good one", PASSWORD)
        in_turn(lambda: admin.unlock(PASSWORD))
        assert agent.proxy("api", "GET", "/again").status_code == 200
