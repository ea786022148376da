"""A token as admins see it: not the token itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vault_proxy.json_fields import json_object, optional_text_field, text_field, unknown_fields
from vault_proxy.policy import PolicyContent


@dataclass(frozen=True)
class TokenInfo:
    """A token of `GET /tokens`; times are RFC 3339.

    `id_prefix` ends in `...`; `revoke_token` and `resume_token` take it as it is. `policy` is the name of a stored one,
    or the token's own. `parent` is the prefix of the token that made this one. One with `suspended_at` is refused until
    it is resumed. Fields that this version does not know are in `extra`.
    """

    id_prefix: str
    scope: str
    created_at: str
    expires_at: str | None = None
    name: str | None = None
    policy: str | PolicyContent | None = None
    parent: str | None = None
    last_used_at: str | None = None
    suspended_at: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> TokenInfo:
        """Read one element of the answer. Raises `ValueError` when it is not a token."""
        answer = json_object(value)
        policy: Any = answer.get("policy")
        return cls(
            text_field(answer, "id_prefix"),
            text_field(answer, "scope"),
            text_field(answer, "created_at"),
            optional_text_field(answer, "expires_at"),
            optional_text_field(answer, "name"),
            policy,
            optional_text_field(answer, "parent"),
            optional_text_field(answer, "last_used_at"),
            optional_text_field(answer, "suspended_at"),
            unknown_fields(cls, answer),
        )
