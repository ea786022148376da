"""Where a token never shows, and what a process or a thread may do with a client."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Answer, StubVault
from vault_proxy import (
    AsyncSession,
    AsyncVaultClient,
    IssuedToken,
    OpenedSession,
    Session,
    VaultClient,
    VaultError,
    VaultTimeoutError,
)

UseClient = Callable[..., Any]

TOKEN = "tok_" + "s" * 43
SESSION = ("ses_1", "127.0.0.1:1", "2030-01-01T00:00:00Z", "redis://v:hush@127.0.0.1:1/0", "v", "hush")


@pytest.mark.parametrize(
    "make",
    [
        lambda: VaultClient("http://127.0.0.1:1", TOKEN),
        lambda: AsyncVaultClient("http://127.0.0.1:1", TOKEN),
        lambda: IssuedToken(TOKEN, "proxy", extra={"hint": TOKEN}),
        lambda: OpenedSession(*SESSION),
        lambda: Session(*SESSION),
        lambda: AsyncSession(*SESSION),
    ],
)
def test_what_holds_a_secret_is_neither_shown_nor_pickled_nor_copied(make: Callable[[], Any]) -> None:
    holder = make()
    for text in (repr(holder), str(holder), f"{holder}"):
        assert TOKEN not in text
        assert "hush" not in text
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy, lambda it: it.__reduce_ex__(4)):
        with pytest.raises(TypeError, match="cannot be pickled") as refused:
            attempt(holder)
        assert TOKEN not in str(refused.value)


def test_an_error_is_pickled_without_the_request_that_holds_the_token(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["GET", "/proxy/api/"] = Answer(418, b"short and stout", {"x-vault-request-id": "r1"})
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.proxy("api", "GET", "/"), vault.addr, TOKEN)
    pickled = pickle.dumps(raised.value)
    assert TOKEN.encode() not in pickled
    again = pickle.loads(pickled)  # noqa: S301 - made by this test
    assert (again.status_code, again.message, again.request_id) == (418, raised.value.message, "r1")
    assert again.response.text == "short and stout"
    assert str(again) == str(raised.value)


def test_answers_and_errors_beneath_are_pickled_without_it_too(vault: StubVault, use_client: UseClient) -> None:
    answer = use_client(lambda c: c.proxy("api", "GET", "/"), vault.addr, TOKEN)
    assert vault.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN.encode() not in pickle.dumps(answer)
    vault.otherwise = Answer(200, b"", {"content-encoding": "gzip", "transfer-encoding": "chunked"})
    with pytest.raises(VaultTimeoutError) as raised:
        use_client(lambda c: c.proxy("api", "POST", "/"), vault.addr, TOKEN, timeout=0.2)
    assert raised.value.request.method == "POST"
    assert TOKEN.encode() not in pickle.dumps(raised.value.request)


def test_no_log_of_the_libraries_beneath_shows_a_token(
    vault: StubVault, use_client: UseClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    other = "tok_" + "o" * 43
    vault.answers["DELETE", f"/tokens/{other}"] = Answer(200, b'{"status": "revoked"}')
    vault.answers["POST", f"/tokens/{other}/resume"] = Answer(200, b'{"status": "active"}')
    issued = json.dumps({"id": other, "scope": "admin"}).encode()
    vault.answers["POST", "/auth/unlock"] = Answer(200, issued)
    use_client(lambda c: c.revoke_token(other), vault.addr, TOKEN)
    use_client(lambda c: c.resume_token(other), vault.addr, TOKEN)
    use_client(lambda c: c.unlock("correct horse"), vault.addr, TOKEN)
    use_client(lambda c: c.proxy("api", "GET", "/x"), vault.addr, TOKEN)
    assert [seen.target for seen in vault.seen][:2] == [f"/tokens/{other}", f"/tokens/{other}/resume"]
    assert "/tokens/(token)" in caplog.text
    assert "/proxy/api/x" in caplog.text
    for secret in (TOKEN, other, "correct horse"):
        assert secret not in caplog.text


def test_a_client_may_be_closed_twice_and_is_not_used_again(vault: StubVault) -> None:
    client = VaultClient(vault.addr)
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.health()

    async def run() -> None:
        other = AsyncVaultClient(vault.addr)
        await other.close()
        await other.close()
        with pytest.raises(RuntimeError, match="closed"):
            await other.health()

    asyncio.run(run())
    assert vault.seen == []


FORKING = """
import asyncio, os, sys
from vault_proxy import AsyncVaultClient, VaultClient

addr, kind = sys.argv[1:]

def calls(client, path):
    if kind == "blocking":
        return client.proxy("api", "GET", path).text
    return asyncio.run(client.proxy("api", "GET", path)).text

client = (VaultClient if kind == "blocking" else AsyncVaultClient)(addr, retries=0)
if kind == "blocking":
    assert calls(client, "/parent") == "ok"
child = os.fork()
if child == 0:
    assert calls(client, "/child") == "ok"
    if kind == "blocking":
        client.close()
        client.close()
    os._exit(0)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
assert calls(client, "/parent") == "ok"
"""


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_a_process_that_is_forked_off_has_connections_of_its_own(vault: StubVault, kind: str) -> None:
    vault.otherwise = Answer(200, b"ok")
    ran = subprocess.run(
        [sys.executable, "-c", FORKING, vault.addr, kind], capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode == 0, ran.stderr
    calls = [(seen.target.rpartition("/")[2], seen.connection) for seen in vault.seen]
    of = {name: {connection for who, connection in calls if who == name} for name in ("parent", "child")}
    assert of["parent"].isdisjoint(of["child"])
    if kind == "blocking":
        assert len(of["parent"]) == 1
