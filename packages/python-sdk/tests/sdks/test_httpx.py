"""The `httpx` package, by itself."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sdks.things import API, WORDS
from sdks.upstream import Lockstep, as_json

if TYPE_CHECKING:
    from sdks.conftest import SdkVault

__all__ = ["API"]


def connect(vault: SdkVault, **options: Any) -> httpx.Client:
    headers = {"Authorization": f"Bearer {vault.token}"}
    return httpx.Client(**{"base_url": vault.url(), "headers": headers, **options})


def test_calls_with_base_url_and_headers_of_the_client(vault: SdkVault) -> None:
    with connect(vault) as client:
        assert client.get("/v1/things", params={"q": "ü &"}).json() == {"q": "ü &"}
        posted = client.post("/v1/things", json={"a": 1})
    assert (posted.status_code, posted.json()) == (201, {"kind": "application/json", "body": {"a": 1}})


@pytest.mark.parametrize("place", ["user", "password", "x-api-key"])
def test_the_token_is_taken_from_where_a_key_would_be(vault: SdkVault, place: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "user": {"auth": (vault.token, "")},
        "password": {"auth": ("anything", vault.token)},
        "x-api-key": {"headers": {"x-api-key": vault.token}},
    }
    with httpx.Client(base_url=vault.url(), **options[place]) as client:
        assert client.get("/v1/things").raise_for_status().json() == {"q": None}


def test_the_pieces_of_a_stream_arrive_one_by_one(vault: SdkVault) -> None:
    steps = Lockstep(WORDS)
    vault.answer_once(steps.reply("application/x-ndjson"))
    got = []
    with connect(vault) as client, client.stream("GET", "/v1/things") as answer:
        for line in answer.iter_lines():
            got.append(line)
            steps.took()
    assert got == ["one", "two", "three"]


def test_an_upload_is_streamed(vault: SdkVault) -> None:
    with connect(vault) as client:
        posted = client.post("/v1/things", content=(b"x" * 1000 for _ in range(300)), headers={"content-type": "a/b"})
    assert posted.json() == {"kind": "a/b", "body": 300_000}


def test_a_redirect_on_the_same_origin_stays_in_the_vault(vault: SdkVault) -> None:
    with connect(vault, follow_redirects=True) as client:
        answer = client.get("/v1/old")
    assert answer.json() == {"q": "moved"}
    assert str(answer.url) == vault.url("/v1/things?q=moved")
    assert len(vault.received()) == 2


def test_the_asyncio_client(vault: SdkVault) -> None:
    async def run() -> list[dict[str, object]]:
        headers = {"Authorization": f"Bearer {vault.token}"}
        async with httpx.AsyncClient(base_url=vault.url(), headers=headers) as client:
            answers = await asyncio.gather(*(client.get(f"/v1/things?q={number}") for number in range(8)))
            return [answer.json() for answer in answers]

    assert asyncio.run(run()) == [{"q": str(number)} for number in range(8)]


def test_a_status_of_the_api_is_an_http_status_error(vault: SdkVault) -> None:
    vault.answer_once(as_json({"message": "slow down"}, 429, {"retry-after": "7"}))
    with connect(vault) as client, pytest.raises(httpx.HTTPStatusError) as raised:
        client.get("/v1/things").raise_for_status()
    assert raised.value.response.headers["retry-after"] == "7"


def test_a_key_that_the_api_refuses_is_a_401_of_the_api(vault: SdkVault) -> None:
    with connect(vault, base_url=vault.url("", "wrong")) as client:
        answer = client.get("/v1/things")
    assert (answer.status_code, answer.json()) == (401, {"message": "unauthorized"})


def test_a_revoked_vault_token_is_a_401_of_the_vault(vault: SdkVault) -> None:
    headers = {"Authorization": f"Bearer {vault.revoked_token()}"}
    with connect(vault, headers=headers) as client, pytest.raises(httpx.HTTPStatusError) as raised:
        client.get("/v1/things").raise_for_status()
    assert raised.value.response.status_code == 401
    assert raised.value.response.headers["x-vault-error"] == "unauthorized"
    assert vault.received() == []


def test_an_egress_proxy_of_the_environment_needs_an_exception_for_the_vault(
    vault: SdkVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with connect(vault) as client, pytest.raises(httpx.ConnectError):
        client.get("/v1/things")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with connect(vault) as client:
        assert client.get("/v1/things").status_code == 200
