"""When a call that failed is sent again: only where that harms nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from vault_proxy.operations.operation import Operation

# There was no connection, or it ended under way.
_WITHOUT_ANSWER = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)

_FIRST_DELAY_SECONDS = 0.1
_GROWTH = 4.0
_LONGEST_DELAY_SECONDS = 6.4


def retry_delay(operation: Operation[Any], error: httpx.RequestError, failures: int, allowed: int) -> float | None:
    """Say after how many seconds to send a call again, or None where its error is the caller's.

    `failures` counts those so far, this one included, and `allowed` is how often the call may be sent again: only if
    it reads the vault's own state. A call of an API never is, whatever its method, nor what changes anything, nor what
    took too long, nor what was answered.
    """
    if failures > allowed or operation.method != "GET" or operation.service is not None:
        return None
    if not isinstance(error, _WITHOUT_ANSWER):
        return None
    return min(_FIRST_DELAY_SECONDS * _GROWTH ** (failures - 1), _LONGEST_DELAY_SECONDS)


def checked_retries(retries: int) -> int:
    """Give the number. Raises `TypeError` for what is none, and `ValueError` for one below 0."""
    if isinstance(retries, bool) or not isinstance(retries, int):
        raise TypeError(f"retries is a whole number, 0 for none: not a {type(retries).__name__}")
    if retries < 0:
        raise ValueError(f"retries is a whole number, 0 for none: not {retries}")
    return retries
