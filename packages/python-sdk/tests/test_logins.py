"""Logins at providers, and the tokens that they give."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Answer, StubVault
from vault_proxy import LoginStatus, StartedBrowserLogin, StartedDeviceLogin, TokenHealth, VaultError

UseClient = Callable[..., Any]

BROWSER: dict[str, Any] = {
    "auth_url": "https://id.example/authorize?x",
    "state": "s",
    "redirect_uri": "http://127.0.0.1:8390/auth/oauth2/callback",
    "message": "m",
    "flow": "flow_1",
    "expires_at": "2030-01-01T00:00:00Z",
}
DEVICE: dict[str, Any] = {
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://id.example/device",
    "message": "m",
    "flow": "flow_2",
    "expires_at": "2030-01-01T00:00:00Z",
    "interval": 5,
}


def answering(vault: StubVault, method: str, target: str, body: object, status: int = 200) -> None:
    vault.answers[(method, target)] = Answer(status, json.dumps(body).encode())


def test_a_login_in_a_browser_is_begun_with_what_was_given_and_nothing_else(
    vault: StubVault, use_client: UseClient
) -> None:
    answering(vault, "POST", "/auth/oauth2/authorize", BROWSER)
    started = use_client(
        lambda c: c.oauth_authorize(
            "api", "https://api.example", scopes=["a"], client_id="c", auth_url="https://a", token_url="https://t"
        ),
        vault.addr,
        "tok_x",
    )
    assert started == StartedBrowserLogin(
        BROWSER["auth_url"], BROWSER["redirect_uri"], BROWSER["flow"], BROWSER["expires_at"]
    )
    (seen,) = vault.seen
    assert seen.headers["authorization"] == "Bearer tok_x"
    assert json.loads(seen.body) == {
        "service_name": "api",
        "base_url": "https://api.example",
        "scopes": ["a"],
        "client_id": "c",
        "auth_url": "https://a",
        "token_url": "https://t",
    }


def test_a_login_on_a_device_gives_the_code(vault: StubVault, use_client: UseClient) -> None:
    answering(vault, "POST", "/auth/oauth2/device", {**DEVICE, "verification_uri_complete": "https://id.example/d?c"})
    started = use_client(lambda c: c.oauth_device("api", "https://x", device_url="https://d"), vault.addr)
    assert started == StartedDeviceLogin(
        "WDJB-MJHT", "https://id.example/device", "flow_2", DEVICE["expires_at"], 5, "https://id.example/d?c"
    )
    answering(vault, "POST", "/auth/oauth2/device", DEVICE)
    plain = use_client(lambda c: c.oauth_device("api", "https://x"), vault.addr)
    assert plain.verification_uri_complete is None


def test_a_login_is_looked_at_and_cancelled(vault: StubVault, use_client: UseClient) -> None:
    failed = {"status": "failed", "service_name": "api", "error": "no", "code": "access_denied"}
    answering(vault, "GET", "/auth/oauth2/flows/flow_1", failed)
    answering(vault, "GET", "/auth/oauth2/flows/flow_2", {"status": "pending", "service_name": "api"})
    done = {"status": "done", "service_name": "api", "replaced": True}
    answering(vault, "GET", "/auth/oauth2/flows/flow_3", done)
    answering(vault, "DELETE", "/auth/oauth2/flows/flow_1", {"status": "cancelled"})
    answering(vault, "DELETE", "/auth/oauth2/flows/gone", {"error": "no such login", "code": "not_found"}, 404)
    assert use_client(lambda c: c.oauth_flow("flow_1"), vault.addr) == LoginStatus(
        "failed", "api", "no", "access_denied"
    )
    assert use_client(lambda c: c.oauth_flow("flow_2"), vault.addr) == LoginStatus("pending", "api")
    assert use_client(lambda c: c.oauth_flow("flow_3"), vault.addr) == LoginStatus("done", "api", replaced=True)
    assert use_client(lambda c: c.cancel_oauth_flow("flow_1"), vault.addr) is None
    with pytest.raises(VaultError) as error:
        use_client(lambda c: c.cancel_oauth_flow("gone"), vault.addr)
    assert error.value.code == "not_found"


@pytest.mark.parametrize("flow", ["", "../../lock", "a/b", "a?b", "a b", "ä", "a\n"])
def test_what_names_no_login_is_not_sent(vault: StubVault, use_client: UseClient, flow: str) -> None:
    with pytest.raises(ValueError, match="a login is named by"):
        use_client(lambda c: c.oauth_flow(flow), vault.addr)
    with pytest.raises(ValueError, match="a login is named by"):
        use_client(lambda c: c.cancel_oauth_flow(flow), vault.addr)
    assert vault.seen == []


def test_the_state_of_every_token(vault: StubVault, use_client: UseClient) -> None:
    answer = [
        {"name": "a", "auth_type": "oauth2_client", "token_status": "valid", "expires_at": 1_900_000_000},
        {"name": "b", "auth_type": "github_app", "token_status": "expired"},
    ]
    answering(vault, "GET", "/health/tokens", answer)
    assert use_client(lambda c: c.health_tokens(), vault.addr) == [
        TokenHealth("a", "oauth2_client", "valid", 1_900_000_000),
        TokenHealth("b", "github_app", "expired"),
    ]


ODD_STATUSES: list[object] = [[], {"status": "done"}, {"status": "failed", "service_name": "a", "code": 5}]
ODD_TOKENS: list[object] = [
    {},
    [5],
    [{"name": "a"}],
    [{"name": "a", "auth_type": "b", "token_status": "valid", "expires_at": "2030"}],
]


@pytest.mark.parametrize(
    ("route", "call", "answer"),
    [
        *(
            (("POST", "/auth/oauth2/authorize"), lambda c: c.oauth_authorize("a", "b"), {**BROWSER, field: value})
            for field in ("auth_url", "redirect_uri", "flow", "expires_at")
            for value in (None, 5)
        ),
        *(
            (("POST", "/auth/oauth2/device"), lambda c: c.oauth_device("a", "b"), {**DEVICE, field: value})
            for field, value in (("user_code", None), ("interval", "5"), ("verification_uri_complete", 5))
        ),
        *((("GET", "/auth/oauth2/flows/f"), lambda c: c.oauth_flow("f"), odd) for odd in ODD_STATUSES),
        *((("GET", "/health/tokens"), lambda c: c.health_tokens(), odd) for odd in ODD_TOKENS),
    ],
)
def test_an_answer_that_no_vault_gives_is_told(
    vault: StubVault, use_client: UseClient, route: tuple[str, str], call: Callable[[Any], Any], answer: object
) -> None:
    answering(vault, *route, answer)
    with pytest.raises(VaultError) as error:
        use_client(call, vault.addr)
    assert error.value.code == "unexpected_answer"
