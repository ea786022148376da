"""The request target (RFC 9112 section 3.2) of a proxied call: the caller's path and query, byte for byte."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    ParamValue = str | int | float | bool | None
    Params = Mapping[str, ParamValue | Sequence[ParamValue]] | list[tuple[str, ParamValue]] | str

_SERVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_VISIBLE_ASCII = re.compile(r"[^\x21-\x7e]+")


def check_service_name(name: str) -> None:
    """Raise `ValueError` for a name that no service has, and `TypeError` for what is no text."""
    if not isinstance(name, str):
        raise TypeError(f"the name of a service is text, not {type(name).__name__}")
    if not _SERVICE_NAME.fullmatch(name):
        raise ValueError(
            "a service name has 1 to 128 letters, digits, '.', '_' or '-', and begins with a letter or digit"
        )


def proxy_target(service: str, path: str, params: Params | None = None) -> str:
    """Build `/proxy/{service}{path}`.

    The path may hold a query, and `params` are added to it. Every visible ASCII character goes out as it is, so that
    `%2F`, `//` and `..` reach the vault as written; only what HTTP cannot carry there, spaces and other characters,
    is percent-encoded as UTF-8. A path without its leading slash gets one; an empty path stays empty.

    Raises `ValueError` for a service name that the vault would refuse, a control character, half of a character (a
    lone surrogate), or a `#`, which would never be sent.
    """
    check_service_name(service)
    if not isinstance(path, str):
        raise TypeError(f"the path is text, not {type(path).__name__}")
    if _CONTROL.search(path):
        raise ValueError("the path holds a control character: percent-encode it")
    if _LONE_SURROGATE.search(path):
        raise ValueError("the path holds half of a character (a lone surrogate), which no encoding can write")
    if "#" in path:
        raise ValueError("the path holds a '#', which is never sent: write %23")
    slash = "" if not path or path[0] in "/?" else "/"
    target = f"/proxy/{service}{slash}{_encode_invisible(path)}"
    query = _query(params) if params else ""
    if not query:
        return target
    return f"{target}{'&' if '?' in target else '?'}{query}"


def _query(params: Params) -> str:
    try:
        return str(httpx.QueryParams(params))
    except UnicodeEncodeError:
        raise ValueError(
            "a parameter holds half of a character (a lone surrogate), which no encoding can write"
        ) from None


def _encode_invisible(text: str) -> str:
    return _NOT_VISIBLE_ASCII.sub(lambda run: "".join(f"%{byte:02X}" for byte in run[0].encode()), text)
