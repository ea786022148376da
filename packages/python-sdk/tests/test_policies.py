"""Policies, and tokens that have them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Answer, StubVault
from vault_proxy import Policy, PolicyContent, PolicyVerdict, VaultError

UseClient = Callable[..., Any]

CONTENT: PolicyContent = {"rules": [{"service": "github", "methods": ["GET"]}], "limits": {"max_uses": 5}}
STORED: dict[str, Any] = {**CONTENT, "name": "p", "version": 2, "updated_at": "2030-01-01T00:00:00Z"}
TOKEN = "tok_" + "a" * 43


def json_answer(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"content-type": "application/json"})


def test_policies_are_kept_shown_and_removed(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["POST", "/policies"] = json_answer(STORED, 201)
    vault.answers["PUT", "/policies/p"] = json_answer(STORED)
    vault.answers["GET", "/policies"] = json_answer([STORED])
    vault.answers["GET", "/policies/p"] = json_answer({**STORED, "description": "d"})
    for target in ("/policies/p", "/policies/p?force=true"):
        vault.answers["DELETE", target] = json_answer({"status": "deleted"})
    policy = Policy("p", CONTENT, 2, "2030-01-01T00:00:00Z")
    assert use_client(lambda c: c.add_policy("p", CONTENT, description="d"), vault.addr, TOKEN) == policy
    assert use_client(lambda c: c.update_policy("p", CONTENT), vault.addr, TOKEN) == policy
    assert use_client(lambda c: c.list_policies(), vault.addr, TOKEN) == [policy]
    assert use_client(lambda c: c.get_policy("p"), vault.addr, TOKEN).description == "d"
    assert use_client(lambda c: c.remove_policy("p"), vault.addr, TOKEN) is None
    assert use_client(lambda c: c.remove_policy("p", force=True), vault.addr, TOKEN) is None
    sent = [json.loads(seen.body) for seen in vault.seen if seen.body]
    assert sent == [{**CONTENT, "description": "d", "name": "p"}, {**CONTENT}]
    assert vault.seen[-1].target == "/policies/p?force=true"


def test_a_policy_is_asked_about_an_action(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["POST", "/policies/test"] = json_answer({"allowed": False, "reason": "no"})
    verdict = use_client(lambda c: c.test_policy("p", "a", method="GET", path="/"), vault.addr, TOKEN)
    assert verdict == PolicyVerdict(False, None, "no")
    use_client(lambda c: c.test_policy(CONTENT, "a", action="exec", command="ls"), vault.addr, TOKEN)
    assert [json.loads(seen.body) for seen in vault.seen] == [
        {"policy": "p", "service": "a", "method": "GET", "path": "/"},
        {"policy": CONTENT, "service": "a", "action": "exec", "command": "ls"},
    ]


def test_tokens_and_their_children_have_policies(vault: StubVault, use_client: UseClient) -> None:
    for target in ("/tokens", "/tokens/self/children"):
        vault.answers["POST", target] = json_answer({"id": TOKEN, "scope": "proxy"}, 201)
    assert use_client(lambda c: c.create_token(policy=CONTENT), vault.addr, TOKEN).id == TOKEN
    assert use_client(lambda c: c.create_child_token(ttl="5m", policy=CONTENT), vault.addr, TOKEN).id == TOKEN
    use_client(lambda c: c.create_child_token(), vault.addr, TOKEN)
    assert [json.loads(seen.body) for seen in vault.seen] == [
        {"scope": "proxy", "policy": CONTENT},
        {"ttl": "5m", "policy": CONTENT},
        {},
    ]


@pytest.mark.parametrize("answer", [{}, [{}], [{**STORED, "version": "2"}], [{**STORED, "rules": [1]}]])
def test_what_is_no_answer_of_a_vault_is_told_apart(vault: StubVault, use_client: UseClient, answer: object) -> None:
    vault.answers["GET", "/policies"] = json_answer(answer)
    with pytest.raises(VaultError) as raised:
        use_client(lambda c: c.list_policies(), vault.addr, TOKEN)
    assert raised.value.code == "unexpected_answer"


@pytest.mark.parametrize("name", ["", "../x", "a/b", "p?force=true", "é"])
def test_what_is_no_name_is_not_sent(vault: StubVault, use_client: UseClient, name: str) -> None:
    with pytest.raises(ValueError, match="policy's name"):
        use_client(lambda c: c.remove_policy(name), vault.addr, TOKEN)
    assert vault.seen == []
