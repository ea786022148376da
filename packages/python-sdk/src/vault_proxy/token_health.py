"""How long a service's access token is still valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vault_proxy.json_fields import json_object, text_field, unknown_fields


@dataclass(frozen=True)
class TokenHealth:
    """One service of `GET /health/tokens`: one whose credential expires.

    `token_status` is `valid`, `expiring` (within 30 minutes) or `expired`; `expires_at` is in unix seconds, and None
    before the first token. Fields that this version does not know are in `extra`.
    """

    name: str
    auth_type: str
    token_status: str
    expires_at: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> TokenHealth:
        """Read one element of the answer. Raises `ValueError` when it is not one."""
        answer = json_object(value)
        expires_at = answer.get("expires_at")
        if expires_at is not None and not isinstance(expires_at, int):
            raise ValueError("a token ends at a time that is no number")
        return cls(
            text_field(answer, "name"),
            text_field(answer, "auth_type"),
            text_field(answer, "token_status"),
            expires_at,
            unknown_fields(cls, answer),
        )
