"""One call of the vault as a value, and what httpx is given to send it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpx

if TYPE_CHECKING:
    from vault_proxy.address import VaultAddress

Result = TypeVar("Result")

# RFC 9110 section 5.5 without spaces: what can follow `Bearer `.
_TOKEN = re.compile(r"[\x21-\x7e]+")

UNAUTHENTICATED = "vault_proxy.unauthenticated"
"""The extension of a request that wants a token and had none: what a 401 has to say of it."""

# What the vault accepts as the place of its token, beside Authorization; the caller's own would be a second token.
_TOKEN_HEADERS = ("authorization", "x-vault-token")


@dataclass(frozen=True)
class Operation(Generic[Result]):
    """One call of the vault.

    `target` is its request target, exactly; `body` holds httpx's body arguments. `shown_target` stands for a target
    that holds a token wherever httpx shows or logs a URL. `service` is what the vault passes the call on to: that may
    cost money, and counts towards a policy's limits.
    """

    method: str
    target: str
    read: Callable[[httpx.Response], Result]
    headers: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    with_token: bool = True
    shown_target: str | None = None
    service: str | None = None


def check_token(token: str) -> str:
    """Give the token. Raises `ValueError`, never naming it, for one that no header can carry."""
    if not isinstance(token, str):
        raise TypeError(f"the token is text, not {type(token).__name__}")
    if token.lower().startswith("bearer "):
        raise ValueError("the token holds a character that no token has, a space: give it without 'Bearer'")
    if not _TOKEN.fullmatch(token):
        raise ValueError("the token holds a character that no token has, such as a line end or a space")
    return token


def request_arguments(operation: Operation[Any], address: VaultAddress, token: str | None) -> dict[str, Any]:
    """Give the arguments of httpx's `build_request`.

    httpx normalises the path of a URL, so the exact target goes along in httpcore's `target` extension; the URL is
    what `response.url` and httpx's log show. Raises `ValueError` for a token that no header can carry.
    """
    target = f"{address.base_path}{operation.target}"
    shown = target if operation.shown_target is None else f"{address.base_path}{operation.shown_target}"
    headers = [(name, value) for name, value in operation.headers if name.lower() not in _TOKEN_HEADERS]
    extensions: dict[str, Any] = {"target": target.encode("ascii")}
    if operation.with_token and token:
        headers.append(("authorization", f"Bearer {check_token(token)}"))
    elif operation.with_token:
        extensions[UNAUTHENTICATED] = True
    return {
        "method": operation.method,
        "url": f"{address.origin}{shown}",
        "headers": headers,
        "extensions": extensions,
        **operation.body,
    }


def given(fields: Mapping[str, object]) -> dict[str, object]:
    """Give the fields that are not None: the others are left to the vault."""
    return {key: value for key, value in fields.items() if value is not None}
