"""A token in the one answer that ever shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from vault_proxy.json_fields import json_object, optional_text_field, text_field, unknown_fields
from vault_proxy.policy import PolicyContent

TokenScope = Literal["admin", "proxy", "metrics"]
"""`admin` may do everything; `proxy` may use services; `metrics` may read the metrics and nothing else."""


@dataclass(frozen=True)
class IssuedToken:
    """The answer of `unlock`, `create_token` and `create_child_token`: times are RFC 3339.

    `id` is the secret. It is not in the repr, and a token cannot be pickled: hand on the `id` itself. `policy` is the
    name of a stored one, or the token's own. Fields that this version does not know are in `extra`.
    """

    id: str = field(repr=False)
    scope: str
    created_at: str | None = None
    expires_at: str | None = None
    name: str | None = None
    policy: str | PolicyContent | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_json(cls, value: object) -> IssuedToken:
        """Read the answer. Raises `ValueError`, never naming a value, when it is not a token."""
        answer = json_object(value)
        policy: Any = answer.get("policy")
        return cls(
            text_field(answer, "id"),
            text_field(answer, "scope"),
            optional_text_field(answer, "created_at"),
            optional_text_field(answer, "expires_at"),
            optional_text_field(answer, "name"),
            policy,
            unknown_fields(cls, answer),
        )

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: the secret would be in the bytes."""
        raise TypeError("a token cannot be pickled: hand on its id, which is the secret")
