"""Calls of APIs through the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from vault_proxy.operations.answers import checked_proxy_answer
from vault_proxy.operations.operation import Operation
from vault_proxy.request_target import proxy_target

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping, Sequence

    from vault_proxy.request_target import Params

    Headers = Mapping[str, str] | Sequence[tuple[str, str]]
    SyncData = bytes | str | Iterable[bytes] | Mapping[str, Any]
    AnyData = SyncData | AsyncIterable[bytes]


def proxy(
    service: str,
    method: str,
    path: str,
    *,
    json: object,
    data: AnyData | None,
    headers: Headers | None,
    params: Params | None,
) -> Operation[httpx.Response]:
    """Call a service. Raises `ValueError` for a request that cannot be sent as asked for."""
    return Operation(
        method,
        proxy_target(service, path, params),
        checked_proxy_answer,
        headers=_header_pairs(headers),
        body=_body(json, data),
    )


def _header_pairs(headers: Headers | None) -> tuple[tuple[str, str], ...]:
    pairs = tuple(httpx.Headers(headers).multi_items())
    if any(name.lower() == "host" for name, _ in pairs):
        raise ValueError("the Host header is the vault's own: the service's base URL says which host is called")
    return pairs


def _body(json: object, data: AnyData | None) -> dict[str, Any]:
    if json is not None and data is not None:
        raise ValueError("a call has json or data, not both")
    if json is not None:
        return {"json": json}
    if data is None:
        return {}
    return {"data": data} if hasattr(data, "items") else {"content": data}
