"""How long a service's access token is still valid."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenHealth:
    """One service of `GET /health/tokens`: one whose credential expires.

    `token_status` is `valid`, `expiring` (within 30 minutes) or `expired`; `expires_at` is in unix seconds, and None
    before the first token.
    """

    name: str
    auth_type: str
    token_status: str
    expires_at: int | None = None

    @classmethod
    def from_json(cls, value: object) -> TokenHealth:
        """Read one element of the answer. Raises `ValueError` when it is not one."""
        if not isinstance(value, dict):
            raise ValueError("the state of a token is not an object")
        name, auth_type, status = value.get("name"), value.get("auth_type"), value.get("token_status")
        if not isinstance(name, str) or not isinstance(auth_type, str) or not isinstance(status, str):
            raise ValueError("the state of a token has no name, type or status")
        expires_at = value.get("expires_at")
        if expires_at is not None and not isinstance(expires_at, int):
            raise ValueError("a token ends at a time that is no number")
        return cls(name, auth_type, status, expires_at)
