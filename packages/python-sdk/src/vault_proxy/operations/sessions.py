"""TCP sessions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from vault_proxy.operations.answers import json_list_reader, json_reader, read_done
from vault_proxy.operations.operation import Operation, given
from vault_proxy.request_target import check_service_name
from vault_proxy.session import OpenedSession, SessionInfo, SessionProtocol, opened_session

if TYPE_CHECKING:
    from vault_proxy.errors import VaultError

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

# Of errors that say that a session has ended already: it is not there, or its token or the key is gone.
_ENDED = ("not_found", "unauthorized", "vault_locked")


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
    body = given(
        {"max_connections": max_connections, "require_password": require_password, "idle_timeout": idle_timeout}
    )
    return Operation(
        "POST",
        f"/{protocol}/{service}/session" + ("" if timeout is None else f"?timeout={int(timeout)}"),
        json_reader(opened_session),
        body={"json": body},
    )


def list_sessions() -> Operation[list[SessionInfo]]:
    """Ask for the open sessions: an admin's token sees all, others their own."""
    return Operation("GET", "/sessions", json_list_reader(SessionInfo.from_json))


def close_session(session_id: str) -> Operation[None]:
    """Close a session and its connections. Raises `ValueError` for what names none."""
    if not _SESSION_ID.fullmatch(session_id):
        raise ValueError("a session is named by letters, digits, '_' and '-'")
    return Operation("DELETE", f"/sessions/{session_id}", json_reader(read_done))


def says_ended(error: VaultError) -> bool:
    """Whether the session that was to be closed has ended already."""
    return error.code in _ENDED
