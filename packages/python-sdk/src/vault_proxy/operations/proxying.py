"""Calls of APIs through the vault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx

from vault_proxy.operations.answers import proxy_reader
from vault_proxy.operations.operation import Operation
from vault_proxy.request_target import proxy_target

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence

    from vault_proxy.request_target import Params

    Headers = Mapping[str, str] | Sequence[tuple[str, str]]
    SyncData = bytes | str | Iterable[bytes] | Mapping[str, Any]
    AnyData = SyncData | AsyncIterable[bytes]


_FILE_CHUNK_BYTES = 65_536

# RFC 9110 sections 5.6.2 (methods, names of fields) and 5.5 (their values, without obs-text).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e]*", re.ASCII)


def proxy(
    service: str,
    method: str,
    path: str,
    *,
    json: object,
    data: AnyData | None,
    headers: Headers | None,
    params: Params | None,
    bytes_only: bool = False,
) -> Operation[httpx.Response]:
    """Call a service. Raises `ValueError` or `TypeError` for a request that cannot be sent as asked for."""
    return Operation(
        _checked_method(method),
        proxy_target(service, path, params),
        proxy_reader(service, bytes_only=bytes_only),
        headers=_header_pairs(headers),
        body=_body(json, data),
        service=service,
    )


def check_data(data: object) -> None:
    """Raise `TypeError` for what is no body."""
    kinds = ("items", "__iter__", "__aiter__")
    if data is not None and not any(hasattr(data, kind) for kind in kinds):
        raise TypeError(f"data is bytes, text, an iterable of bytes, or a mapping, not {type(data).__name__}")


def awaited_data(data: AnyData | None) -> AnyData | None:
    """Give the data as httpx's asynchronous client takes it, which refuses iterables that are not."""
    check_data(data)
    if data is None or isinstance(data, bytes | str) or hasattr(data, "items") or hasattr(data, "__aiter__"):
        return data
    # A file by itself is an iterable of lines.
    read = getattr(data, "read", None)
    blocking: Iterable[bytes] = data if read is None else iter(lambda: read(_FILE_CHUNK_BYTES), b"")

    async def chunks() -> AsyncGenerator[bytes, None]:
        for chunk in blocking:
            yield chunk

    return chunks()


def _checked_method(method: str) -> str:
    if not isinstance(method, str):
        raise TypeError(f"the method is text, such as 'GET', not {type(method).__name__}")
    if not _TOKEN.fullmatch(method):
        raise ValueError("the method holds a character that no method has, such as a space")
    return method


def _header_pairs(headers: Headers | None) -> tuple[tuple[str, str], ...]:
    # Not by httpx.Headers alone: what it does not like is told with the value, which may be a secret.
    given = headers.items() if isinstance(headers, Mapping) else () if headers is None else headers
    for name, value in given:
        _check_header(name, value)
    pairs = tuple(httpx.Headers(headers).multi_items())
    if any(name.lower() == "host" for name, _ in pairs):
        raise ValueError("the Host header is the vault's own: the service's base URL says which host is called")
    return pairs


def _check_header(name: object, value: object) -> None:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise ValueError("the name of a header holds a character that no name has, such as a space")
    if not isinstance(value, str):
        raise TypeError(f"the header {name} is text, not {type(value).__name__}")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the header {name} holds a line end, or a character beyond ASCII: encode it")


def _body(json: object, data: AnyData | None) -> dict[str, Any]:
    check_data(data)
    if json is not None and data is not None:
        raise ValueError("a call has json or data, not both")
    if json is not None:
        return {"json": json}
    if data is None:
        return {}
    if hasattr(data, "items"):
        return {"data": data}
    return {"content": data}
