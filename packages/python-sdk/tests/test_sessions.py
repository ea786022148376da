"""TCP sessions, against a stub of the vault: what is sent, and what is made of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Answer, StubVault
from vault_proxy import OpenedSession, SessionInfo, VaultError

UseClient = Callable[..., Any]

OPENED: dict[str, Any] = {
    "id": "ses_1",
    "addr": "127.0.0.1:40000",
    "expires_at": "2030-01-01T00:00:00.000Z",
    "url": "postgresql://vault:hush@127.0.0.1:40000/app?sslmode=disable",
    "username": "vault",
    "password": "hush",
}
LISTED: dict[str, Any] = {
    "id": "ses_1",
    "protocol": "postgres",
    "service": "my.db",
    "addr": "127.0.0.1:40000",
    "token": "tok_AAAAAAAA...",
    "opened_at": "2030-01-01T00:00:00.000Z",
    "expires_at": "2030-01-01T00:00:00.000Z",
    "max_connections": 5,
    "connections": 1,
    "bytes_in": 3,
    "bytes_out": 4,
}


def answering(vault: StubVault, method: str, target: str, body: object, status: int = 200) -> None:
    vault.answers[(method, target)] = Answer(status, json.dumps(body).encode())


def test_a_session_is_opened_with_what_was_given_and_nothing_else(vault: StubVault, use_client: UseClient) -> None:
    answering(vault, "POST", "/postgres/my.db/session?timeout=60", OPENED)
    answering(vault, "POST", "/redis/cache/session", {**OPENED, "username": None, "password": None})
    session = use_client(
        lambda c: c.session(
            "postgres", "my.db", timeout=60, max_connections=5, require_password=True, idle_timeout="5m"
        ),
        vault.addr,
        "tok_x",
    )
    assert isinstance(session, OpenedSession)
    assert (session.id, session.addr, session.url) == (OPENED["id"], OPENED["addr"], OPENED["url"])
    assert (session.expires_at, session.username, session.password) == (OPENED["expires_at"], "vault", "hush")
    assert (session.host, session.port) == ("127.0.0.1", 40000)
    assert "hush" not in repr(session)
    bare = use_client(lambda c: c.session("redis", "cache"), vault.addr, "tok_x")
    assert (bare.username, bare.password) == (None, None)
    assert [json.loads(seen.body) for seen in vault.seen] == [
        {"max_connections": 5, "require_password": True, "idle_timeout": "5m"},
        {},
    ]
    assert vault.seen[0].headers["authorization"] == "Bearer tok_x"


def test_the_host_of_an_ipv6_address_has_no_brackets() -> None:
    session = OpenedSession("ses_1", "[::1]:40000", "2030-01-01T00:00:00Z", "redis://[::1]:40000/0")
    assert (session.host, session.port) == ("::1", 40000)


def test_sessions_are_listed_and_closed(vault: StubVault, use_client: UseClient) -> None:
    answering(vault, "GET", "/sessions", [LISTED])
    answering(vault, "DELETE", "/sessions/ses_1", {"status": "closed"})
    answering(vault, "DELETE", "/sessions/gone", {"error": "no such session", "code": "not_found"}, 404)
    assert use_client(lambda c: c.list_sessions(), vault.addr) == [SessionInfo(**LISTED)]
    assert use_client(lambda c: c.close_session("ses_1"), vault.addr) is None
    with pytest.raises(VaultError) as error:
        use_client(lambda c: c.close_session("gone"), vault.addr)
    assert error.value.code == "not_found"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda c: c.session("http", "a"), "a session speaks one of imap, smtp, redis, postgres"),
        (lambda c: c.session("redis", "../x"), "a service name has"),
        (lambda c: c.session("redis", "a?b"), "a service name has"),
        *((lambda c, i=i: c.close_session(i), "a session is named by") for i in ("", "../lock", "a/b", "a?b", "a\n")),
    ],
)
def test_what_names_nothing_is_not_sent(
    vault: StubVault, use_client: UseClient, call: Callable[[Any], Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        use_client(call, vault.addr)
    assert vault.seen == []


@pytest.mark.parametrize(
    ("route", "call", "answer"),
    [
        *(
            (("POST", "/redis/a/session"), lambda c: c.session("redis", "a"), {**OPENED, name: value})
            for name in ("id", "addr", "expires_at", "url")
            for value in (None, 5)
        ),
        *(
            (("POST", "/redis/a/session"), lambda c: c.session("redis", "a"), {**OPENED, name: value})
            for name, value in (
                ("username", 5),
                ("password", 5),
                ("addr", "localhost"),
                ("addr", "a:b"),
                ("addr", ":1"),
            )
        ),
        (("POST", "/redis/a/session"), lambda c: c.session("redis", "a"), []),
        (("GET", "/sessions"), lambda c: c.list_sessions(), {}),
        (("GET", "/sessions"), lambda c: c.list_sessions(), [5]),
        *((("GET", "/sessions"), lambda c: c.list_sessions(), [{**LISTED, name: {}}]) for name in LISTED),
        (("GET", "/sessions"), lambda c: c.list_sessions(), [{**LISTED, "connections": True}]),
    ],
)
def test_an_answer_that_no_vault_gives_is_told(
    vault: StubVault, use_client: UseClient, route: tuple[str, str], call: Callable[[Any], Any], answer: object
) -> None:
    answering(vault, *route, answer)
    with pytest.raises(VaultError) as error:
        use_client(call, vault.addr)
    assert error.value.code == "unexpected_answer"
