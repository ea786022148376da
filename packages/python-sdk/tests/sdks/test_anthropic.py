"""The `anthropic` package."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from anthropic import Anthropic, AsyncAnthropic, AuthenticationError, RateLimitError

from sdks.upstream import Api, Call, Lockstep, Reply, as_json, event
from vault_proxy import AsyncVaultClient, VaultClient

if TYPE_CHECKING:
    from sdks.conftest import SdkVault

KEY = "sk-ant-api03-0123456789abcdefghijklmnop"
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Hello, world"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ", world"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 2},
    },
    {"type": "message_stop"},
]
PIECES = [event(data, data["type"]) for data in EVENTS]


def failure(kind: str, message: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def list_models(call: Call) -> Reply:
    is_first = call.query("after_id") is None
    ids = ["claude-x", "claude-y"] if is_first else ["claude-z"]
    made = "2026-01-01T00:00:00Z"
    data = [{"type": "model", "id": name, "display_name": name, "created_at": made} for name in ids]
    return as_json({"data": data, "has_more": is_first, "first_id": ids[0], "last_id": ids[-1]})


API = Api(
    credential=("x-api-key", KEY),
    auth={"type": "header", "header_name": "x-api-key", "header_value": KEY},
    wrong_auth={"type": "header", "header_name": "x-api-key", "header_value": "sk-ant-of-somebody-else"},
    refuse=as_json(failure("authentication_error", "invalid x-api-key"), 401),
    routes={"POST /v1/messages": lambda _: as_json(MESSAGE), "GET /v1/models": list_models},
)
ASK: Any = {"model": "claude-x", "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}]}


def connect(vault: SdkVault, **options: Any) -> Anthropic:
    return Anthropic(**{"base_url": vault.url(), "api_key": vault.token, **options})


def test_a_message_with_base_url_and_key_from_the_constructor(vault: SdkVault) -> None:
    with connect(vault) as client:
        assert client.messages.create(**ASK).stop_reason == "end_turn"
    assert len(vault.received()[0].header("anthropic-version")) == 1


def test_the_options_that_a_vault_client_gives_are_enough(vault: SdkVault) -> None:
    steps = Lockstep(PIECES)
    with VaultClient(vault.address, vault.token) as agent, Anthropic(**agent.anthropic_options("api")) as client:
        assert client.messages.create(**ASK).stop_reason == "end_turn"
        vault.answer_once(steps.reply())
        got = []
        for part in client.messages.create(**ASK, stream=True):
            got.append(part.type)
            steps.took()
    assert got == [data["type"] for data in EVENTS]


def test_the_options_of_an_asyncio_vault_client_fit_the_asyncio_client(vault: SdkVault) -> None:
    async def run() -> str:
        async with (
            AsyncVaultClient(vault.address, vault.token) as agent,
            AsyncAnthropic(**agent.anthropic_options("api")) as client,
        ):
            vault.answer_once(Reply(PIECES, headers={"content-type": "text/event-stream; charset=utf-8"}))
            async with client.messages.stream(**ASK) as stream:
                return await stream.get_final_text()

    assert asyncio.run(run()) == "Hello, world"


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_a_message_with_base_url_and_key_from_the_environment(
    vault: SdkVault, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", vault.url())
    monkeypatch.setenv(variable, vault.token)
    with Anthropic() as client:
        assert client.messages.create(**ASK).id == "msg_1"


def test_the_events_of_a_stream_arrive_one_by_one(vault: SdkVault) -> None:
    steps = Lockstep(PIECES)
    vault.answer_once(steps.reply())
    got = []
    with connect(vault) as client:
        for part in client.messages.create(**ASK, stream=True):
            got.append(part.type)
            steps.took()
    assert got == [data["type"] for data in EVENTS]


def test_the_asyncio_client_calls_and_streams(vault: SdkVault) -> None:
    async def run() -> str:
        async with AsyncAnthropic(base_url=vault.url(), api_key=vault.token) as client:
            await asyncio.gather(*(client.messages.create(**ASK) for _ in range(4)))
            vault.answer_once(Reply(PIECES, headers={"content-type": "text/event-stream; charset=utf-8"}))
            async with client.messages.stream(**ASK) as stream:
                return await stream.get_final_text()

    assert asyncio.run(run()) == "Hello, world"


def test_pages_of_models_are_fetched_on(vault: SdkVault) -> None:
    with connect(vault) as client:
        assert [model.id for model in client.models.list(limit=2)] == ["claude-x", "claude-y", "claude-z"]


def test_a_529_is_tried_again(vault: SdkVault) -> None:
    vault.answer_once(as_json(failure("overloaded_error", "Overloaded"), 529))
    with connect(vault) as client:
        assert client.messages.create(**ASK).id == "msg_1"
    assert len(vault.received()) == 2


def test_a_429_is_a_rate_limit_error_with_the_retry_after_of_the_api(vault: SdkVault) -> None:
    vault.answer_once(as_json(failure("rate_limit_error", "Slow down"), 429, {"retry-after": "7"}))
    with connect(vault, max_retries=0) as client, pytest.raises(RateLimitError) as raised:
        client.messages.create(**ASK)
    assert raised.value.response.headers["retry-after"] == "7"


def test_a_key_that_the_api_refuses_is_an_authentication_error_of_the_api(vault: SdkVault) -> None:
    with connect(vault, base_url=vault.url("", "wrong")) as client, pytest.raises(AuthenticationError) as raised:
        client.messages.create(**ASK)
    assert "invalid x-api-key" in str(raised.value)


def test_a_revoked_vault_token_is_an_authentication_error_of_the_vault(vault: SdkVault) -> None:
    with connect(vault, api_key=vault.revoked_token()) as client, pytest.raises(AuthenticationError) as raised:
        client.messages.create(**ASK)
    assert raised.value.response.headers["x-vault-error"] == "unauthorized"
    assert vault.received() == []
