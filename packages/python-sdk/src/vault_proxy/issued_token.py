"""A token in the one answer that ever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class IssuedToken:
    """The answer of `unlock` and `create_token`: times are RFC 3339. `id` is the secret, and is not in the repr."""

    id: str = field(repr=False)
    scope: str
    created_at: str | None = None
    expires_at: str | None = None

    @classmethod
    def from_json(cls, value: object) -> IssuedToken:
        """Read the answer. Raises `ValueError`, never naming a value, when it is not a token."""
        if not isinstance(value, dict):
            raise ValueError("a token is not an object")
        token_id, scope = value.get("id"), value.get("scope")
        if not isinstance(token_id, str) or not isinstance(scope, str):
            raise ValueError("a token has no id or no scope")
        return cls(token_id, scope, value.get("created_at"), value.get("expires_at"))
