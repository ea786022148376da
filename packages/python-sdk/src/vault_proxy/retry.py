"""When a call that failed is sent again: only where it cannot be done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from vault_proxy.operations.operation import Operation

# RFC 9110 section 9.2.1: they ask for nothing to be done.
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

# The connection ended under way: the call may have been done, or not.
_CUT_OFF = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)

_FIRST_DELAY_SECONDS = 0.1


def retry_delay(operation: Operation[Any], error: httpx.TransportError, failures: int, allowed: int) -> float | None:
    """Say after how many seconds to send a call again, or None where its error is the caller's.

    `failures` counts those so far, this one included, and `allowed` is how often the call may be sent again. A call
    whose connection was refused is sent again whatever it is, since the vault got nothing of it. One that was cut off
    is sent again only if its method is safe and it has no body. What took too long is never sent again, nor is a call
    that was answered, whatever the answer.
    """
    if failures > allowed:
        return None
    harmless = operation.method.upper() in _SAFE_METHODS and not operation.body
    if not isinstance(error, httpx.ConnectError) and not (harmless and isinstance(error, _CUT_OFF)):
        return None
    return _FIRST_DELAY_SECONDS * 2.0 ** (failures - 1)
