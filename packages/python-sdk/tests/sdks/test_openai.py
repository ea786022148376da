"""The `openai` package."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from openai import AsyncOpenAI, AuthenticationError, OpenAI, RateLimitError

from sdks.upstream import Api, Call, Lockstep, Reply, as_json, event
from vault_proxy import AsyncVaultClient, VaultClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdks.conftest import SdkVault

KEY = "sk-proj-0123456789abcdefghijklmnop"
WORDS = ["Hello", ", ", "world"]


def chunk_of(content: str) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x", "choices": [choice]}
    return event(chunk)


# The SDK reads on to the end after [DONE], so this comes with the last word.
CHUNKS = [chunk_of("Hello"), chunk_of(", "), chunk_of("world") + b"data: [DONE]\n\n"]


def failure(message: str, kind: str, code: str | None) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def file_of(name: str, **more: object) -> dict[str, object]:
    known = {"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": name, "status": "processed"}
    return {**known, "purpose": "batch", **more}


def complete(_: Call) -> Reply:
    message = {"role": "assistant", "content": "".join(WORDS)}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return as_json({"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-x", "choices": [choice]})


def list_files(call: Call) -> Reply:
    is_first = call.query("after") is None
    names = ["file-1", "file-2"] if is_first else ["file-3"]
    return as_json({"object": "list", "data": [file_of(name) for name in names], "has_more": is_first})


def take_file(call: Call) -> Reply:
    form = call.body.decode()
    part = re.search(r'name="file"; filename="(.+?)"\r\n(?:.+\r\n)*\r\n([^\r]*)\r\n--', form)
    purpose = re.search(r'name="purpose"\r\n\r\n(.+?)\r\n--', form)
    assert part is not None
    assert purpose is not None
    return as_json(file_of("file-4", filename=part[1], bytes=len(part[2]), purpose=purpose[1]))


API = Api(
    credential=("authorization", f"Bearer {KEY}"),
    auth={"type": "bearer", "token": KEY},
    wrong_auth={"type": "bearer", "token": "sk-proj-of-somebody-else"},
    refuse=as_json(failure("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"), 401),
    routes={
        "POST /v1/chat/completions": complete,
        "GET /v1/files": list_files,
        "POST /v1/files": take_file,
        "GET /v1/models": lambda _: as_json(
            {"object": "list", "data": [{"id": "gpt-x", "object": "model", "created": 1, "owned_by": "openai"}]}
        ),
    },
)
ASK: Any = {"model": "gpt-x", "messages": [{"role": "user", "content": "hi"}]}


def connect(vault: SdkVault, **options: Any) -> OpenAI:
    return OpenAI(**{"base_url": vault.url("/v1"), "api_key": vault.token, **options})


def test_a_chat_completion_with_base_url_and_key_from_the_constructor(vault: SdkVault) -> None:
    with connect(vault) as client:
        answer = client.chat.completions.create(**ASK)
    assert answer.choices[0].message.content == "Hello, world"
    assert json.loads(vault.received()[0].body) == ASK


def test_the_options_that_a_vault_client_gives_are_enough(vault: SdkVault) -> None:
    steps = Lockstep(CHUNKS)
    with VaultClient(vault.address, vault.token) as agent, OpenAI(**agent.openai_options("api")) as client:
        assert client.chat.completions.create(**ASK).choices[0].message.content == "Hello, world"
        vault.answer_once(steps.reply())
        got = []
        for chunk in client.chat.completions.create(**ASK, stream=True):
            got.append(chunk.choices[0].delta.content)
            steps.took()
    assert got == WORDS


def test_the_options_of_an_asyncio_vault_client_fit_the_asyncio_client(vault: SdkVault) -> None:
    steps = Lockstep(CHUNKS)

    async def run() -> list[str | None]:
        got = []
        async with (
            AsyncVaultClient(vault.address, vault.token) as agent,
            AsyncOpenAI(**agent.openai_options("api")) as client,
        ):
            vault.answer_once(steps.reply())
            async for chunk in await client.chat.completions.create(**ASK, stream=True):
                got.append(chunk.choices[0].delta.content)
                steps.took()
        return got

    assert asyncio.run(run()) == WORDS


def test_leaving_a_stream_of_the_library_early_ends_the_call_at_the_api(vault: SdkVault) -> None:
    left = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield CHUNKS[0]
        try:
            while True:
                yield CHUNKS[1]
                left.wait(0.01)
        finally:
            left.set()

    vault.answer_once(Reply(pieces(), headers={"content-type": "text/event-stream"}))
    with VaultClient(vault.address, vault.token) as agent, OpenAI(**agent.openai_options("api")) as client:
        with client.chat.completions.create(**ASK, stream=True) as stream:
            assert next(iter(stream)).choices[0].delta.content == "Hello"
        assert left.wait(10)


def test_a_chat_completion_with_base_url_and_key_from_the_environment(
    vault: SdkVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", vault.url("/v1"))
    monkeypatch.setenv("OPENAI_API_KEY", vault.token)
    with OpenAI() as client:
        assert client.chat.completions.create(**ASK).choices[0].message.content == "Hello, world"


def test_the_chunks_of_a_stream_arrive_one_by_one(vault: SdkVault) -> None:
    steps = Lockstep(CHUNKS)
    vault.answer_once(steps.reply())
    got = []
    with connect(vault) as client:
        for chunk in client.chat.completions.create(**ASK, stream=True):
            got.append(chunk.choices[0].delta.content)
            steps.took()
    assert got == WORDS


def test_the_asyncio_client_calls_and_streams(vault: SdkVault) -> None:
    steps = Lockstep(CHUNKS)

    async def run() -> list[str | None]:
        async with AsyncOpenAI(base_url=vault.url("/v1"), api_key=vault.token) as client:
            answers = await asyncio.gather(*(client.chat.completions.create(**ASK) for _ in range(4)))
            vault.answer_once(steps.reply())
            got = [answer.choices[0].message.content for answer in answers]
            async for chunk in await client.chat.completions.create(**ASK, stream=True):
                got.append(chunk.choices[0].delta.content)
                steps.took()
            return got

    assert asyncio.run(run()) == ["Hello, world"] * 4 + WORDS


def test_a_file_is_uploaded_as_multipart_form_data(vault: SdkVault) -> None:
    content = b"x" * 300_000
    with connect(vault) as client:
        file = client.files.create(file=("batch.jsonl", content), purpose="batch")
    assert (file.bytes, file.filename, file.purpose) == (len(content), "batch.jsonl", "batch")


def test_models_are_listed_and_pages_of_files_fetched_on(vault: SdkVault) -> None:
    with connect(vault) as client:
        assert [model.id for model in client.models.list()] == ["gpt-x"]
        assert [file.id for file in client.files.list(limit=2)] == ["file-1", "file-2", "file-3"]
    assert vault.received()[-1].query("after") == "file-2"


def test_a_500_is_tried_again(vault: SdkVault) -> None:
    vault.answer_once(as_json(failure("The server had an error.", "server_error", None), 500))
    with connect(vault) as client:
        assert client.chat.completions.create(**ASK).id == "c1"
    assert [call.header("x-stainless-retry-count") for call in vault.received()] == [["0"], ["1"]]


def test_a_429_is_a_rate_limit_error_with_the_retry_after_of_the_api(vault: SdkVault) -> None:
    limited = failure("Rate limit reached.", "requests", "rate_limit_exceeded")
    vault.answer_once(as_json(limited, 429, {"retry-after": "7"}))
    with connect(vault, max_retries=0) as client, pytest.raises(RateLimitError) as raised:
        client.chat.completions.create(**ASK)
    assert raised.value.code == "rate_limit_exceeded"
    assert raised.value.response.headers["retry-after"] == "7"


def test_a_key_that_the_api_refuses_is_an_authentication_error_of_the_api(vault: SdkVault) -> None:
    with connect(vault, base_url=vault.url("/v1", "wrong")) as client, pytest.raises(AuthenticationError) as raised:
        client.models.list()
    assert raised.value.code == "invalid_api_key"
    assert "x-vault-error" not in raised.value.response.headers


def test_a_revoked_vault_token_is_an_authentication_error_of_the_vault(vault: SdkVault) -> None:
    with connect(vault, api_key=vault.revoked_token()) as client, pytest.raises(AuthenticationError) as raised:
        client.models.list()
    assert raised.value.response.headers["x-vault-error"] == "unauthorized"
    assert vault.received() == []
