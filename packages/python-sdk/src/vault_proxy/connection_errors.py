"""What is said of a call that httpx could not make, and of an answer that it could not read."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from vault_proxy.address import is_loopback_host
from vault_proxy.errors import VaultConnectionError, VaultError, VaultTimeoutError

if TYPE_CHECKING:
    from vault_proxy.address import VaultAddress
    from vault_proxy.operations.operation import Operation

# Of each step that has a limit: its name in httpx.Timeout.
_STEPS: dict[type[httpx.TimeoutException], str] = {
    httpx.ConnectTimeout: "connect",
    httpx.ReadTimeout: "read",
    httpx.WriteTimeout: "write",
    httpx.PoolTimeout: "pool",
}


def call_error(
    error: httpx.RequestError,
    operation: Operation[Any],
    address: VaultAddress,
    request: httpx.Request,
    response: httpx.Response | None = None,
) -> VaultError:
    """Give the error to be raised from httpx's; `response` is what had begun to come.

    Nothing of the answer's own text is told.
    """
    request_id = None if response is None else response.headers.get("x-vault-request-id")
    answer = f"the answer of {_answering(operation)}"
    if isinstance(error, httpx.DecodingError) and response is not None:
        said = response.headers.get("content-encoding", "")
        message = f"{answer} is not in the Content-Encoding that it names ({said}), and cannot be read"
        return VaultError(response.status_code, message, "unexpected_answer", request_id=request_id)
    if isinstance(error, httpx.TimeoutException):
        message = _timeout(error, operation, address, request, begun=response is not None)
        return VaultTimeoutError(0, message, "timeout", request_id=request_id, request=request)
    if response is not None:
        message = f"{answer} broke off before its end"
    elif isinstance(error, httpx.ConnectError):
        message = _unreachable(error, address)
    elif isinstance(error, httpx.LocalProtocolError):
        message = f"this cannot be sent: {error}"
    elif isinstance(error, httpx.ProxyError):
        message = f"the HTTPS_PROXY of the environment did not connect to the vault at {address.label}: {error}"
    else:
        message = _no_answer(error, address)
    return VaultConnectionError(0, message, "connection_failed", request_id=request_id, request=request)


def _answering(operation: Operation[Any]) -> str:
    return "the vault" if operation.service is None else f"the service {operation.service}"


def _timeout(
    error: httpx.TimeoutException,
    operation: Operation[Any],
    address: VaultAddress,
    request: httpx.Request,
    *,
    begun: bool,
) -> str:
    step = _STEPS.get(type(error), "read")
    limits = request.extensions.get("timeout", {})
    within = f"within {limits[step]:g} s" if limits.get(step) else "in time"
    vault = f"the vault at {address.label}"
    if step == "connect":
        what = f"no connection to {vault} {within}"
    elif step == "pool":
        what = f"all connections to {vault} are in use, and none came free {within}: close streams that are left early"
    elif step == "write":
        what = f"{vault} took no more of the request {within}"
    elif begun:
        what = f"no more of the answer of {_answering(operation)} came {within}"
    elif operation.service is not None:
        what = f"no answer of the service {operation.service} came by {vault} {within}"
    else:
        what = f"no answer of {vault} came {within}"
    return f"{what} (the {step} timeout; timeout= of the client or of the call sets another)"


def _unreachable(error: httpx.ConnectError, address: VaultAddress) -> str:
    where = f"the vault at {address.label}"
    mend = f"see that {address.source or 'addr= or VAULT_ADDR'} is right"
    cause = _system_error(error)
    if isinstance(cause, ssl.SSLError):
        return f"cannot speak TLS with {where}: {_tls(cause)}"
    if isinstance(cause, socket.gaierror):
        return f"cannot reach {where}: the name of its host cannot be looked up; {mend}"
    if isinstance(cause, PermissionError):
        return f"cannot reach {where}: this user may not open it, which is for the owner and the group of the socket"
    if isinstance(cause, FileNotFoundError):
        return f"cannot reach {where}: there is no such socket; {_start(address)}{mend}"
    if isinstance(cause, ConnectionRefusedError):
        return f"cannot reach {where}: nobody listens there; {_start(address)}{mend}"
    return f"cannot reach {where}: {cause or error}; {mend}"


def _start(address: VaultAddress) -> str:
    host = urlsplit(address.origin).hostname or ""
    return "start one here with `vault-cli up`, or " if is_loopback_host(host) else ""


def _no_answer(error: httpx.RequestError, address: VaultAddress) -> str:
    where = f"the vault at {address.label}"
    if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error):
        return f"what answers at {address.label} does not speak HTTP: is this the vault's address?"
    scheme = "" if address.origin.startswith("https:") or address.socket_path else "; where it has TLS, write https://"
    return f"{where} closed the connection without an answer{scheme}"


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        mend = 'for a CA of your own pass ssl_context=ssl.create_default_context(cafile="ca.pem")'
        return f"its certificate is not accepted ({error.verify_message}); {mend}"
    if error.reason == "WRONG_VERSION_NUMBER":
        return "it does not answer in TLS; where it has none, write http://"
    return str(error)


def _system_error(error: BaseException) -> OSError | None:
    """Give the system's own error that an exception of httpx stands for.

    httpcore raises its exceptions `from None`, so that they are found by what was handled then; and anyio gathers those
    of several addresses of a host.
    """
    found: OSError | None = None
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError):
            found = below
            # What was handled before that is the caller's.
            if found.errno is not None:
                return found
        gathered = getattr(below, "exceptions", ())
        below = gathered[0] if gathered else below.__cause__ or below.__context__
    return found
