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


def retry_delay(operation: Operation[Any], error: httpx.TransportError, failures: int, allowed: int) -> float | None:
    """Say after how many seconds to send a call again, or None where its error is the caller's.

    `failures` counts those so far, this one included, and `allowed` is how often the call may be sent again: only if
    it reads the vault's own state. A call of an API never is, whatever its method, nor what changes anything, nor what
    took too long, nor what was answered.
    """
    if failures > allowed or operation.method != "GET" or operation.calls_api:
        return None
    return _FIRST_DELAY_SECONDS * _GROWTH ** (failures - 1) if isinstance(error, _WITHOUT_ANSWER) else None
