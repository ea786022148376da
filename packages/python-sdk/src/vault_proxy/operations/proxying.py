"""Calls of APIs through the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from vault_proxy.operations.answers import checked_proxy_answer
from vault_proxy.operations.operation import Operation
from vault_proxy.request_target import proxy_target

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping, Sequence

    from vault_proxy.request_target import Params

    Headers = Mapping[str, str] | Sequence[tuple[str, str]]
    SyncData = bytes | str | Iterable[bytes] | Mapping[str, Any]
    AnyData = SyncData | AsyncIterable[bytes]


_FILE_CHUNK_BYTES = 65_536


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
        calls_api=True,
    )


def awaited_data(data: AnyData | None) -> AnyData | None:
    """Give the data as httpx's asynchronous client takes it, which refuses iterables that are not."""
    if data is None or isinstance(data, bytes | str) or hasattr(data, "items") or hasattr(data, "__aiter__"):
        return data
    # A file by itself is an iterable of lines.
    read = getattr(data, "read", None)
    blocking: Iterable[bytes] = data if read is None else iter(lambda: read(_FILE_CHUNK_BYTES), b"")

    async def chunks() -> AsyncGenerator[bytes, None]:
        for chunk in blocking:
            yield chunk

    return chunks()


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
