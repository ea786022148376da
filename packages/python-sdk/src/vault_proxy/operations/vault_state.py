"""Whether the vault is open, its passwords, and how its server does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.health import Health
from vault_proxy.issued_token import IssuedToken
from vault_proxy.json_fields import json_object, text_field
from vault_proxy.operations.answers import checked_success, json_list_reader, json_reader, read_done, read_nothing
from vault_proxy.operations.operation import Operation
from vault_proxy.token_health import TokenHealth

if TYPE_CHECKING:
    import httpx


def health() -> Operation[str]:
    """Ask for the vault's status: `locked` or `unlocked`."""
    return Operation(
        "GET", "/health", json_reader(lambda answer: text_field(json_object(answer), "status")), with_token=False
    )


def health_details() -> Operation[Health]:
    """Ask for all that `/health` says: with an admin's token, how the server does as well."""
    return Operation("GET", "/health", json_reader(Health.from_json))


def health_tokens() -> Operation[list[TokenHealth]]:
    """Ask how long the access tokens of services are still valid."""
    return Operation("GET", "/health/tokens", json_list_reader(TokenHealth.from_json))


def metrics() -> Operation[str]:
    """Ask for the metrics as text."""

    def read(response: httpx.Response) -> str:
        return checked_success(response).text

    return Operation("GET", "/metrics", read)


def unlock(password: str, *, idle_timeout: str | None) -> Operation[IssuedToken]:
    """Unlock the vault, or create it on the first call, for an admin token."""
    limit = {} if idle_timeout is None else {"idle_timeout": idle_timeout}
    return Operation(
        "POST",
        "/auth/unlock",
        json_reader(IssuedToken.from_json),
        body={"json": {"password": password, **limit}},
        with_token=False,
    )


def lock(*, revoke_tokens: bool) -> Operation[None]:
    """Lock the vault; an admin token is needed."""
    body = {"json": {"revoke_tokens": True}} if revoke_tokens else {}
    return Operation("POST", "/auth/lock", json_reader(read_done), body=body)


def change_password(current: str, new: str) -> Operation[None]:
    """Seal the vault under a new password; an admin token is needed."""
    body = {"json": {"current": current, "new": new}}
    return Operation("POST", "/auth/password", read_nothing, body=body)


def create_recovery_key(password: str) -> Operation[str]:
    """Ask for a recovery key in place of the one before; an admin token is needed."""
    return Operation(
        "POST",
        "/auth/recovery-key",
        json_reader(lambda answer: text_field(json_object(answer), "recovery_key")),
        body={"json": {"password": password}},
    )
