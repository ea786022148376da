"""Policies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vault_proxy.operations.answers import json_list_reader, json_reader, read_done
from vault_proxy.operations.operation import Operation, given
from vault_proxy.policy import Policy, PolicyVerdict

if TYPE_CHECKING:
    from vault_proxy.policy import PolicyContent, PolicyQuestion

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def list_policies() -> Operation[list[Policy]]:
    """Ask for all policies; an admin token is needed."""
    return Operation("GET", "/policies", json_list_reader(Policy.from_json))


def get_policy(name: str) -> Operation[Policy]:
    """Ask for a policy; an admin token is needed."""
    return Operation("GET", _target(name), json_reader(Policy.from_json))


def add_policy(name: str, content: PolicyContent, description: str | None) -> Operation[Policy]:
    """Store a policy, or replace the one of that name; an admin token is needed."""
    body = {**content, **given({"description": description}), "name": name}
    return Operation("POST", "/policies", json_reader(Policy.from_json), body={"json": body})


def update_policy(name: str, content: PolicyContent, description: str | None) -> Operation[Policy]:
    """Replace a policy that is there; an admin token is needed."""
    body = {**content, **given({"description": description})}
    return Operation("PUT", _target(name), json_reader(Policy.from_json), body={"json": body})


def remove_policy(name: str, *, force: bool) -> Operation[None]:
    """Delete a policy; an admin token is needed."""
    target = _target(name) + ("?force=true" if force else "")
    return Operation("DELETE", target, json_reader(read_done))


def ask_policy(policy: str | PolicyContent, service: str, question: PolicyQuestion) -> Operation[PolicyVerdict]:
    """Ask what a policy says to an action, without doing it; an admin token is needed."""
    body = {"policy": policy, "service": service, **question}
    return Operation("POST", "/policies/test", json_reader(PolicyVerdict.from_json), body={"json": body})


def _target(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a policy's name has 1 to 64 letters, digits, '.', '_' or '-'")
    return f"/policies/{name}"
