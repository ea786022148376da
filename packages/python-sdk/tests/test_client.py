from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Answer, StubVault
from loopback_http import answer_one
from vault_proxy import AsyncVaultClient, IssuedToken, ServiceInfo, VaultClient, VaultError, VaultTimeoutError

TOKEN = "tok_" + "a" * 43
UseClient = Callable[..., Any]


def json_answer(value: object, status: int = 200, **headers: str) -> Answer:
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), {"content-type": "application/json", **given})


def test_health_gives_the_status_and_sends_no_token(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["GET", "/health"] = json_answer({"status": "locked", "initialized": True, "version": "1"})
    assert use_client(lambda c: c.health(), vault.addr, TOKEN) == "locked"
    assert "authorization" not in vault.seen[0].headers


def test_services_are_listed_with_unknown_fields_kept(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["GET", "/services"] = json_answer(
        [{"name": "a", "auth_type": "bearer", "base_url": "https://a.example", "new_field": 7}, {"name": "b"}]
    )
    assert use_client(lambda c: c.list_services(), vault.addr, TOKEN) == [
        ServiceInfo("a", base_url="https://a.example", auth_type="bearer", extra={"new_field": 7}),
        ServiceInfo("b"),
    ]
    assert vault.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_unlock_keeps_the_token_and_lock_forgets_it(vault: StubVault) -> None:
    issued = {"id": TOKEN, "scope": "admin", "created_at": "2030-01-01T00:00:00Z", "expires_at": None}
    vault.answers["POST", "/auth/unlock"] = json_answer(issued)
    vault.answers["POST", "/auth/lock"] = json_answer({"status": "locked"})
    with VaultClient(vault.addr, "tok_old") as client:
        assert client.unlock("correct horse") == IssuedToken(TOKEN, "admin", "2030-01-01T00:00:00Z", None)
        client.lock()
        client.proxy("svc", "GET", "/")
    unlock, lock, after = vault.seen
    assert json.loads(unlock.body) == {"password": "correct horse"}
    assert "authorization" not in unlock.headers
    assert lock.headers["authorization"] == f"Bearer {TOKEN}"
    assert lock.body == b""
    assert "authorization" not in after.headers


def test_unlock_asks_for_an_idle_timeout(vault: StubVault) -> None:
    vault.answers["POST", "/auth/unlock"] = json_answer({"id": TOKEN, "scope": "admin"})
    with VaultClient(addr=vault.addr) as client:
        client.unlock("correct horse", idle_timeout="15m")
    assert json.loads(vault.seen[0].body) == {"password": "correct horse", "idle_timeout": "15m"}


def test_a_client_gives_up_its_own_token(vault: StubVault) -> None:
    vault.answers["DELETE", "/tokens/self"] = json_answer({"status": "revoked"})
    with VaultClient(vault.addr, TOKEN) as client:
        client.revoke_own_token()
        assert client.token is None
    assert vault.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_unlock_and_lock_do_the_same_in_asyncio(vault: StubVault) -> None:
    vault.answers["POST", "/auth/unlock"] = json_answer({"id": TOKEN, "scope": "admin"})
    vault.answers["POST", "/auth/lock"] = json_answer({"status": "locked"})

    async def run() -> None:
        async with AsyncVaultClient(vault.addr) as client:
            await client.unlock("correct horse")
            await client.lock()
            await client.proxy("svc", "GET", "/")

    asyncio.run(run())
    assert [seen.headers.get("authorization") for seen in vault.seen] == [None, f"Bearer {TOKEN}", None]


def test_a_refused_lock_keeps_the_token(vault: StubVault) -> None:
    vault.answers["POST", "/auth/lock"] = json_answer({"error": "no", "code": "forbidden"}, 403)
    with VaultClient(vault.addr, TOKEN) as client:
        with pytest.raises(VaultError, match="no"):
            client.lock(revoke_tokens=True)
        assert client.token == TOKEN
    assert json.loads(vault.seen[0].body) == {"revoke_tokens": True}


def test_the_password_is_changed(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["POST", "/auth/password"] = Answer(204)
    assert use_client(lambda c: c.change_password("old horse", "new horse"), vault.addr, TOKEN) is None
    assert json.loads(vault.seen[0].body) == {"current": "old horse", "new": "new horse"}
    assert vault.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (json_answer({"error": "wrong password or damaged vault file", "code": "unauthorized"}, 401), "unauthorized"),
        (Answer(200, b"<html>welcome</html>"), "unexpected_answer"),
    ],
)
def test_a_password_that_was_not_changed_is_an_error(
    vault: StubVault, use_client: UseClient, answer: Answer, code: str
) -> None:
    vault.answers["POST", "/auth/password"] = answer
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.change_password("old horse", "new horse"), vault.addr, TOKEN)
    assert raised.value.code == code
    assert "horse" not in str(raised.value)


@pytest.mark.parametrize(
    ("token", "message"),
    [("", "no (this client has none: give token=, or set VAULT_TOKEN)"), (TOKEN, "no")],
)
def test_a_call_without_a_token_says_so(vault: StubVault, use_client: UseClient, token: str, message: str) -> None:
    refused = {"error": "no", "code": "unauthorized"}
    vault.answers["GET", "/services"] = json_answer(refused, 401)
    vault.answers["GET", "/proxy/api/"] = Answer(401, json.dumps(refused).encode(), {"X-Vault-Error": "unauthorized"})
    vault.answers["POST", "/auth/unlock"] = json_answer(refused, 401)
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.list_services(), vault.addr, token)
    assert raised.value.message == message
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.proxy("api", "GET", "/"), vault.addr, token)
    assert raised.value.message == message
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.unlock("wrong horse"), vault.addr, token)
    assert raised.value.message == "no"


def test_a_recovery_key_is_made(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["POST", "/auth/recovery-key"] = json_answer({"recovery_key": "0123-4567"}, 201)
    assert use_client(lambda c: c.create_recovery_key("old horse"), vault.addr, TOKEN) == "0123-4567"
    assert json.loads(vault.seen[0].body) == {"password": "old horse"}


def test_an_answer_without_a_recovery_key_is_unexpected(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["POST", "/auth/recovery-key"] = json_answer({"recovery_key": 5}, 201)
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.create_recovery_key("old horse"), vault.addr, TOKEN)
    assert raised.value.code == "unexpected_answer"


def test_create_token_sends_only_what_is_given(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["POST", "/tokens"] = json_answer({"id": TOKEN, "scope": "proxy"}, 201)
    issued = use_client(lambda c: c.create_token(name="bot", ttl="1h"), vault.addr, "tok_admin")
    assert issued.id == TOKEN
    assert json.loads(vault.seen[0].body) == {"scope": "proxy", "name": "bot", "ttl": "1h"}


def test_what_applies_to_few_services_is_read(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["GET", "/services"] = json_answer([{"name": "a", "scrub": "off"}, {"name": "b"}])
    unscrubbed, scrubbed = use_client(lambda c: c.list_services(), vault.addr, TOKEN)
    assert (unscrubbed.scrub, scrubbed.scrub, unscrubbed.extra) == ("off", None, {})
    stored = ServiceInfo.from_json({"name": "a", "warnings": ["one", "two"]})
    assert (stored.warnings, stored.extra) == (["one", "two"], {})


@pytest.mark.parametrize("named", [TOKEN, "tok_aaaaaaaa", "tok_aaaaaaaa..."])
def test_a_token_is_resumed_by_itself_or_a_prefix(vault: StubVault, use_client: UseClient, named: str) -> None:
    vault.answers["POST", f"/tokens/{named}/resume"] = json_answer({"status": "active"})
    assert use_client(lambda c: c.resume_token(named), vault.addr, "tok_admin") is None
    assert vault.seen[0].headers["authorization"] == "Bearer tok_admin"
    assert vault.seen[0].body == b""


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (json_answer({"error": "no such token", "code": "not_found"}, 404), "not_found"),
        (json_answer({"status": "unlocked"}), "unexpected_answer"),
        (json_answer([]), "unexpected_answer"),
        (Answer(200, b"<html>welcome</html>"), "unexpected_answer"),
    ],
)
def test_a_token_that_was_not_resumed_is_an_error(
    vault: StubVault, use_client: UseClient, answer: Answer, code: str
) -> None:
    vault.answers["POST", f"/tokens/{TOKEN}/resume"] = answer
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.resume_token(TOKEN), vault.addr, "tok_admin")
    assert raised.value.code == code
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    "named", ["", "..", "...", "tok_a/../x", "tok_a?", "tok_a#", "tok_a....", "tok_a\n", "tok_\ud800"]
)
def test_what_no_token_begins_with_is_not_sent(vault: StubVault, use_client: UseClient, named: str) -> None:
    with pytest.raises(ValueError, match="a prefix of one") as raised:
        use_client(lambda c: c.resume_token(named), vault.addr, "tok_admin")
    assert "tok_" not in str(raised.value)
    assert vault.seen == []


def test_no_repr_shows_a_token(vault: StubVault) -> None:
    with VaultClient(vault.addr, TOKEN) as client:
        assert TOKEN not in repr(client)
    assert TOKEN not in repr(IssuedToken(TOKEN, "proxy"))


def test_token_and_address_come_from_the_environment(
    vault: StubVault, use_client: UseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ADDR", vault.addr)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    use_client(lambda c: c.proxy("svc", "GET", "/"))
    assert vault.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_proxy_of_the_environment_never_gets_calls_to_loopback(
    vault: StubVault, use_client: UseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert use_client(lambda c: c.proxy("svc", "GET", "/"), vault.addr).status_code == 200


def test_plaintext_to_another_machine_is_refused_by_the_client_itself(use_client: UseClient) -> None:
    with pytest.raises(ValueError, match="plaintext"):
        use_client(lambda c: c.health(), "http://192.0.2.1:8390")


def test_a_unix_socket_is_called(use_client: UseClient, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = str(tmp_path_factory.mktemp("s") / "v.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        listening.settimeout(10)
        answered = answer_one(listening, b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n" + b'{"status":"locked"}')
        assert use_client(lambda c: c.health(), f"unix:{path}") == "locked"
        assert answered().startswith(b"GET /health HTTP/1.1\r\n")


@pytest.mark.parametrize("token", ["hush\nhush", "hush hush", "hushé", "hush\ud800", "hush\0"])
def test_a_token_that_no_header_carries_is_refused_and_not_repeated(
    vault: StubVault, use_client: UseClient, token: str
) -> None:
    for call in (lambda c: c.list_services(), lambda c: c.proxy("svc", "GET", "/")):
        with pytest.raises(ValueError, match="the token holds a character") as refused:
            use_client(call, vault.addr, token)
        assert "hush" not in str(refused.value)
    assert vault.seen == []


@pytest.mark.parametrize("method", ["proxy", "proxy_stream"])
def test_an_error_of_the_vault_has_a_code_and_no_response(vault: StubVault, use_client: UseClient, method: str) -> None:
    vault.answers["GET", "/proxy/svc/"] = json_answer(
        {"error": "the vault is locked", "code": "vault_locked"},
        423,
        x_vault_error="vault_locked",
        x_vault_request_id="r1",
    )
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: getattr(c, method)("svc", "GET", "/"), vault.addr, TOKEN)
    error = raised.value
    assert (error.status_code, error.code) == (423, "vault_locked")
    assert (error.request_id, error.response) == ("r1", None)
    mend = "(`vault-cli unlock` opens it, and so does unlock)"
    assert str(error) == f"{error.message} [423 vault_locked]" == f"the vault is locked {mend} [423 vault_locked]"


@pytest.mark.parametrize("answer", [Answer(200, b"<html>"), json_answer({}), json_answer([{}]), json_answer({"id": 1})])
@pytest.mark.parametrize("call", [lambda c: c.health(), lambda c: c.list_services(), lambda c: c.create_token()])
def test_an_answer_that_no_vault_sends_is_an_error_that_shows_nothing_of_it(
    vault: StubVault, use_client: UseClient, answer: Answer, call: Callable[[Any], Any]
) -> None:
    for target in (("GET", "/health"), ("GET", "/services"), ("POST", "/tokens")):
        vault.answers[target] = answer
    with pytest.raises(VaultError, match="is this the vault's address") as raised:
        use_client(call, vault.addr, TOKEN)
    assert raised.value.code == "unexpected_answer"
    assert raised.value.__context__ is None


def test_an_error_page_that_is_no_json_still_gives_the_status(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["GET", "/services"] = Answer(502, b"<html>")
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.list_services(), vault.addr, TOKEN)
    assert (raised.value.status_code, raised.value.code) == (502, None)
    assert raised.value.message == "HTTP 502 from an address that does not answer like a vault-server"


def test_a_timeout_given_to_a_call_replaces_the_clients(listener: socket.socket, use_client: UseClient) -> None:
    addr = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(VaultTimeoutError):
        use_client(lambda c: c.proxy("svc", "GET", "/", timeout=0.1), addr)
    with pytest.raises(VaultTimeoutError):
        use_client(lambda c: c.health(), addr, timeout=0.1)


def test_a_refusal_of_a_head_is_the_vaults_without_a_body(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["HEAD", "/proxy/svc/"] = Answer(423, b"", {"x-vault-error": "vault_locked"})
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.proxy("svc", "HEAD", "/"), vault.addr, TOKEN)
    assert str(raised.value) == "HTTP 423 from the vault-server [423 vault_locked]"
