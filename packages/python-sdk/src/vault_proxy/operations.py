"""The I/O-free core: each operation says what to send and how to read the answer; a client only carries it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args
from urllib.parse import urlencode

import httpx

from vault_proxy.audit import AuditPage
from vault_proxy.errors import VaultError
from vault_proxy.issued_token import IssuedToken
from vault_proxy.login import LoginStatus, StartedBrowserLogin, StartedDeviceLogin
from vault_proxy.request_target import check_service_name, proxy_target
from vault_proxy.service_info import ServiceInfo
from vault_proxy.session import OpenedSession, SessionInfo, SessionProtocol, opened_session
from vault_proxy.token_health import TokenHealth

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence

    from vault_proxy.address import VaultAddress
    from vault_proxy.login import BrowserLoginOptions, DeviceLoginOptions
    from vault_proxy.policy import PolicyContent
    from vault_proxy.request_target import Params

    Headers = Mapping[str, str] | Sequence[tuple[str, str]]
    SyncData = bytes | str | Iterable[bytes] | Mapping[str, Any]
    AnyData = SyncData | AsyncIterable[bytes]

Result = TypeVar("Result")

# RFC 9110 section 5.5 without spaces: what can follow `Bearer `.
_TOKEN = re.compile(r"[\x21-\x7e]+")

# What `token list` shows or `create_token` gave: with nothing in it that would name another path.
_TOKEN_OR_PREFIX = re.compile(r"[A-Za-z0-9_-]+(\.\.\.)?", re.ASCII)

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

# Of errors that say that a session has ended already: it is not there, or its token or the key is gone.
_ENDED = ("not_found", "unauthorized", "vault_locked")

_FLOW = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

# What the vault accepts as the place of its token, beside Authorization; the caller's own would be a second token.
_TOKEN_HEADERS = ("authorization", "x-vault-token")


@dataclass(frozen=True)
class Operation(Generic[Result]):
    """One call of the vault. `target` is its request target, exactly; `body` holds httpx's body arguments."""

    method: str
    target: str
    read: Callable[[httpx.Response], Result]
    headers: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    with_token: bool = True


def request_arguments(operation: Operation[Any], address: VaultAddress, token: str | None) -> dict[str, Any]:
    """Give the arguments of httpx's `build_request`.

    httpx normalises the path of a URL, so the exact target goes along in httpcore's `target` extension; the URL is
    what `response.url` shows. Raises `ValueError` for a token that no header can carry.
    """
    target = f"{address.base_path}{operation.target}"
    headers = [(name, value) for name, value in operation.headers if name.lower() not in _TOKEN_HEADERS]
    if operation.with_token and token:
        if not _TOKEN.fullmatch(token):
            raise ValueError("the token holds a character that no token has, such as a line end or a space")
        headers.append(("authorization", f"Bearer {token}"))
    return {
        "method": operation.method,
        "url": f"{address.origin}{target}",
        "headers": headers,
        "extensions": {"target": target.encode("ascii")},
        **operation.body,
    }


def health() -> Operation[str]:
    """Ask for the vault's status: `locked` or `unlocked`."""

    def read(answer: object) -> str:
        status = answer.get("status") if isinstance(answer, dict) else None
        if not isinstance(status, str):
            raise ValueError("no status")
        return status

    return Operation("GET", "/health", json_reader(read), with_token=False)


def health_details() -> Operation[dict[str, Any]]:
    """Ask for all that `/health` says: with an admin's token, how the server does as well."""

    def read(answer: object) -> dict[str, Any]:
        if not isinstance(answer, dict) or not isinstance(answer.get("status"), str):
            raise ValueError("no status")
        return answer

    return Operation("GET", "/health", json_reader(read))


def metrics() -> Operation[str]:
    """Ask for the metrics as text."""
    return Operation("GET", "/metrics", lambda response: response.text)


def health_tokens() -> Operation[list[TokenHealth]]:
    """Ask how long the access tokens of services are still valid."""

    def read(answer: object) -> list[TokenHealth]:
        if not isinstance(answer, list):
            raise ValueError("no list")
        return [TokenHealth.from_json(item) for item in answer]

    return Operation("GET", "/health/tokens", json_reader(read))


def oauth_authorize(service_name: str, base_url: str, options: BrowserLoginOptions) -> Operation[StartedBrowserLogin]:
    """Begin a login in a browser; an admin token is needed."""
    body = {"json": {**options, "service_name": service_name, "base_url": base_url}}
    return Operation("POST", "/auth/oauth2/authorize", json_reader(StartedBrowserLogin.from_json), body=body)


def oauth_device(service_name: str, base_url: str, options: DeviceLoginOptions) -> Operation[StartedDeviceLogin]:
    """Begin a login on another device; an admin token is needed."""
    body = {"json": {**options, "service_name": service_name, "base_url": base_url}}
    return Operation("POST", "/auth/oauth2/device", json_reader(StartedDeviceLogin.from_json), body=body)


def oauth_flow(flow: str) -> Operation[LoginStatus]:
    """Ask how a login stands; an admin token is needed. Raises `ValueError` for what names no login."""
    return Operation("GET", _flow_target(flow), json_reader(LoginStatus.from_json))


def cancel_oauth_flow(flow: str) -> Operation[None]:
    """Cancel a login; an admin token is needed. Raises `ValueError` for what names no login."""
    return Operation("DELETE", _flow_target(flow), json_reader(lambda _answer: None))


def _flow_target(flow: str) -> str:
    if not _FLOW.fullmatch(flow):
        raise ValueError("a login is named by letters, digits, '_' and '-'")
    return f"/auth/oauth2/flows/{flow}"


def list_services() -> Operation[list[ServiceInfo]]:
    """Ask for the services that the token may see."""

    def read(answer: object) -> list[ServiceInfo]:
        if not isinstance(answer, list):
            raise ValueError("no list")
        return [ServiceInfo.from_json(item) for item in answer]

    return Operation("GET", "/services", json_reader(read))


def unlock(password: str) -> Operation[IssuedToken]:
    """Unlock the vault, or create it on the first call, for an admin token."""
    return Operation(
        "POST",
        "/auth/unlock",
        json_reader(IssuedToken.from_json),
        body={"json": {"password": password}},
        with_token=False,
    )


def lock(*, revoke_tokens: bool) -> Operation[None]:
    """Lock the vault; an admin token is needed."""
    body = {"json": {"revoke_tokens": True}} if revoke_tokens else {}
    return Operation("POST", "/auth/lock", json_reader(lambda _answer: None), body=body)


def change_password(current: str, new: str) -> Operation[None]:
    """Seal the vault under a new password; an admin token is needed."""
    body = {"json": {"current": current, "new": new}}
    return Operation("POST", "/auth/password", _nothing, body=body)


def create_recovery_key(password: str) -> Operation[str]:
    """Ask for a recovery key in place of the one before; an admin token is needed."""

    def read(answer: object) -> str:
        key = answer.get("recovery_key") if isinstance(answer, dict) else None
        if not isinstance(key, str):
            raise ValueError("no recovery key")
        return key

    return Operation("POST", "/auth/recovery-key", json_reader(read), body={"json": {"password": password}})


def create_token(
    scope: str, *, name: str | None, ttl: str | None, expires_at: str | None, policy: str | PolicyContent | None
) -> Operation[IssuedToken]:
    """Mint a token; what is None is left to the vault."""
    given = {"scope": scope, "name": name, "ttl": ttl, "expires_at": expires_at, "policy": policy}
    return Operation(
        "POST",
        "/tokens",
        json_reader(IssuedToken.from_json),
        body={"json": {key: value for key, value in given.items() if value is not None}},
    )


def resume_token(id_or_prefix: str) -> Operation[None]:
    """Lift a token's suspension; an admin token is needed. Raises `ValueError` for what no token begins with."""
    if not _TOKEN_OR_PREFIX.fullmatch(id_or_prefix):
        raise ValueError("a token, or a prefix of one, has letters, digits, '_' and '-'; it may end in '...'")

    def read(answer: object) -> None:
        if not isinstance(answer, dict) or answer.get("status") != "active":
            raise ValueError("no status of a token")

    return Operation("POST", f"/tokens/{id_or_prefix}/resume", json_reader(read))


def open_session(
    protocol: SessionProtocol,
    service: str,
    *,
    timeout: int | None,
    max_connections: int | None,
    require_password: bool | None,
    idle_timeout: str | None,
) -> Operation[OpenedSession]:
    """Open a port that is logged in; what is None is left to the vault. Raises `ValueError` for an unknown protocol."""
    if protocol not in get_args(SessionProtocol):
        raise ValueError(f"a session speaks one of {', '.join(get_args(SessionProtocol))}")
    check_service_name(service)
    given = {"max_connections": max_connections, "require_password": require_password, "idle_timeout": idle_timeout}
    return Operation(
        "POST",
        f"/{protocol}/{service}/session" + ("" if timeout is None else f"?timeout={int(timeout)}"),
        json_reader(opened_session),
        body={"json": {key: value for key, value in given.items() if value is not None}},
    )


def list_sessions() -> Operation[list[SessionInfo]]:
    """Ask for the open sessions: an admin's token sees all, others their own."""

    def read(answer: object) -> list[SessionInfo]:
        if not isinstance(answer, list):
            raise ValueError("no list")
        return [SessionInfo.from_json(item) for item in answer]

    return Operation("GET", "/sessions", json_reader(read))


def list_audit(
    *,
    limit: int | None = None,
    before: int | None = None,
    service: str | None = None,
    token: str | None = None,
    action: str | None = None,
    decision: str | None = None,
) -> Operation[AuditPage]:
    """Ask for a page of the audit log, the newest entry first."""
    given = {
        "limit": limit,
        "before": before,
        "service": service,
        "token": token,
        "action": action,
        "decision": decision,
    }
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return Operation("GET", f"/audit?{query}" if query else "/audit", json_reader(AuditPage.from_json))


def close_session(session_id: str) -> Operation[None]:
    """Close a session and its connections. Raises `ValueError` for what names none."""
    if not _SESSION_ID.fullmatch(session_id):
        raise ValueError("a session is named by letters, digits, '_' and '-'")
    return Operation("DELETE", f"/sessions/{session_id}", json_reader(lambda _answer: None))


def says_ended(error: VaultError) -> bool:
    """Whether the session that was to be closed has ended already."""
    return error.code in _ENDED


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
        _checked_proxy_answer,
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


def json_reader(read: Callable[[object], Result]) -> Callable[[httpx.Response], Result]:
    """Make the reader of a JSON answer: `read` raises `ValueError` for what no vault sends."""

    def read_answer(response: httpx.Response) -> Result:
        if not response.is_success:
            raise vault_error(response)
        with suppress(ValueError):
            return read(response.json())
        # Not from inside a handler: the error of the reading holds the answer's text, which may show a token.
        raise unexpected_answer(response)

    return read_answer


def _nothing(response: httpx.Response) -> None:
    if not response.is_success:
        raise vault_error(response)
    if response.content:
        raise unexpected_answer(response)


def _checked_proxy_answer(response: httpx.Response) -> httpx.Response:
    if "x-vault-error" in response.headers:
        raise vault_error(response)
    if response.is_error:
        raise VaultError(
            response.status_code,
            f"the API answered {response.status_code} {response.reason_phrase}".rstrip(),
            request_id=response.headers.get("x-vault-request-id"),
            response=response,
        )
    return response


def unexpected_answer(response: httpx.Response) -> VaultError:
    """Give the error for what no vault sends."""
    return VaultError(
        response.status_code,
        "the answer is not what a vault sends: is this the vault's address?",
        "unexpected_answer",
        request_id=response.headers.get("x-vault-request-id"),
    )


def vault_error(response: httpx.Response) -> VaultError:
    """Give the error that an answer with an error status stands for."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    fields = answer if isinstance(answer, dict) else {}
    message, code = fields.get("error"), fields.get("code")
    return VaultError(
        response.status_code,
        message if isinstance(message, str) else f"the vault answered {response.status_code}",
        code if isinstance(code, str) else response.headers.get("x-vault-error"),
        request_id=response.headers.get("x-vault-request-id"),
    )
