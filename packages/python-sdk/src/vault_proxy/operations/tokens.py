"""Tokens, and those that tokens make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vault_proxy.issued_token import IssuedToken
from vault_proxy.json_fields import json_object
from vault_proxy.operations.answers import json_list_reader, json_reader, read_done
from vault_proxy.operations.operation import Operation, given
from vault_proxy.token_info import TokenInfo

if TYPE_CHECKING:
    from vault_proxy.issued_token import TokenScope
    from vault_proxy.policy import PolicyContent

# What `list_tokens` shows or `create_token` gave: with nothing in it that would name another path.
_TOKEN_OR_PREFIX = re.compile(r"[A-Za-z0-9_-]+(\.\.\.)?", re.ASCII)


def create_token(
    scope: TokenScope,
    *,
    name: str | None,
    ttl: str | None,
    expires_at: str | None,
    policy: str | PolicyContent | None,
) -> Operation[IssuedToken]:
    """Mint a token; what is None is left to the vault."""
    body = given({"scope": scope, "name": name, "ttl": ttl, "expires_at": expires_at, "policy": policy})
    return Operation("POST", "/tokens", json_reader(IssuedToken.from_json), body={"json": body})


def create_child_token(
    *, name: str | None, ttl: str | None, expires_at: str | None, policy: PolicyContent | None
) -> Operation[IssuedToken]:
    """Mint a token by a proxy token; what is None is left to the vault."""
    body = given({"name": name, "ttl": ttl, "expires_at": expires_at, "policy": policy})
    return Operation("POST", "/tokens/self/children", json_reader(IssuedToken.from_json), body={"json": body})


def list_tokens() -> Operation[list[TokenInfo]]:
    """Ask for the tokens; an admin token is needed."""
    return Operation("GET", "/tokens", json_list_reader(TokenInfo.from_json))


def revoke_token(id_or_prefix: str) -> Operation[None]:
    """Revoke a token; an admin token is needed. Raises `ValueError` for what no token begins with."""
    _check(id_or_prefix)
    return Operation("DELETE", f"/tokens/{id_or_prefix}", json_reader(read_done), shown_target="/tokens/(token)")


def revoke_own_token() -> Operation[None]:
    """Revoke the token that asks."""
    return Operation("DELETE", "/tokens/self", json_reader(read_done))


def resume_token(id_or_prefix: str) -> Operation[None]:
    """Lift a token's suspension; an admin token is needed. Raises `ValueError` for what no token begins with."""
    _check(id_or_prefix)

    def read(answer: object) -> None:
        if json_object(answer).get("status") != "active":
            raise ValueError("no status of a token")

    target = f"/tokens/{id_or_prefix}/resume"
    return Operation("POST", target, json_reader(read), shown_target="/tokens/(token)/resume")


def _check(id_or_prefix: str) -> None:
    if not _TOKEN_OR_PREFIX.fullmatch(id_or_prefix):
        raise ValueError("a token, or a prefix of one, has letters, digits, '_' and '-'; it may end in '...'")
