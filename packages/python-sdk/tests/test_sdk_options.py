"""Options for other libraries' clients; tests/sdks has the libraries."""

from __future__ import annotations

import pytest

from vault_proxy import AsyncVaultClient, VaultClient

TOKEN = "tok_" + "a" * 43

Kind = type[VaultClient] | type[AsyncVaultClient]


@pytest.fixture(params=[VaultClient, AsyncVaultClient])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


def test_the_base_url_ends_as_each_library_wants_it(kind: Kind) -> None:
    client = kind("https://vault.example/below/", TOKEN)
    below = "https://vault.example/below/proxy"
    assert client.openai_options() == {"base_url": f"{below}/openai/v1", "api_key": TOKEN}
    assert client.openai_options("openrouter", "/api/v1")["base_url"] == f"{below}/openrouter/api/v1"
    assert client.openai_options("azure", "")["base_url"] == f"{below}/azure"
    assert client.anthropic_options() == {"base_url": f"{below}/anthropic", "api_key": TOKEN}
    assert client.anthropic_options("claude")["base_url"] == f"{below}/claude"
    assert client.sdk_options("slack", "/api/")["base_url"] == f"{below}/slack/api/"


@pytest.mark.parametrize(
    ("addr", "token", "service", "sentence"),
    [
        ("unix:/run/vault.sock", TOKEN, "openai", "loopback port"),
        ("http://127.0.0.1:1", None, "openai", "needs a token"),
        ("http://127.0.0.1:1", "", "openai", "needs a token"),
        ("http://127.0.0.1:1", "hush hush", "openai", "holds a character"),
        ("http://127.0.0.1:1", TOKEN, "../openai", "a service name has"),
    ],
)
def test_options_that_could_not_work_are_not_given(
    kind: Kind, addr: str, token: str | None, service: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        kind(addr, token).openai_options(service)
    assert "hush" not in str(refused.value)
