"""The I/O-free core of policies and of tokens that tokens make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vault_proxy.issued_token import IssuedToken
from vault_proxy.operations import Operation, json_reader
from vault_proxy.policy import Policy, PolicyVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vault_proxy.policy import PolicyContent, PolicyQuestion

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def create_child_token(
    *, name: str | None, ttl: str | None, expires_at: str | None, policy: PolicyContent | None
) -> Operation[IssuedToken]:
    """Mint a token by a proxy token; what is None is left to the vault."""
    body = _given({"name": name, "ttl": ttl, "expires_at": expires_at, "policy": policy})
    return Operation("POST", "/tokens/self/children", json_reader(IssuedToken.from_json), body={"json": body})


def list_policies() -> Operation[list[Policy]]:
    """Ask for all policies; an admin token is needed."""

    def read(answer: object) -> list[Policy]:
        if not isinstance(answer, list):
            raise ValueError("no list")
        return [Policy.from_json(item) for item in answer]

    return Operation("GET", "/policies", json_reader(read))


def get_policy(name: str) -> Operation[Policy]:
    """Ask for a policy; an admin token is needed."""
    return Operation("GET", _target(name), json_reader(Policy.from_json))


def add_policy(name: str, content: PolicyContent, description: str | None) -> Operation[Policy]:
    """Store a policy, or replace the one of that name; an admin token is needed."""
    body = {**content, **_given({"description": description}), "name": name}
    return Operation("POST", "/policies", json_reader(Policy.from_json), body={"json": body})


def update_policy(name: str, content: PolicyContent, description: str | None) -> Operation[Policy]:
    """Replace a policy that is there; an admin token is needed."""
    body = {**content, **_given({"description": description})}
    return Operation("PUT", _target(name), json_reader(Policy.from_json), body={"json": body})


def remove_policy(name: str, *, force: bool) -> Operation[None]:
    """Delete a policy; an admin token is needed."""
    target = _target(name) + ("?force=true" if force else "")
    return Operation("DELETE", target, json_reader(lambda _answer: None))


def ask_policy(policy: str | PolicyContent, service: str, question: PolicyQuestion) -> Operation[PolicyVerdict]:
    """Ask what a policy says to an action, without doing it; an admin token is needed."""
    body = {"policy": policy, "service": service, **question}
    return Operation("POST", "/policies/test", json_reader(PolicyVerdict.from_json), body={"json": body})


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value is not None}


def _target(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a policy's name has 1 to 64 letters, digits, '.', '_' or '-'")
    return f"/policies/{name}"
