"""A stored file, without its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vault_proxy.json_fields import integer_field, json_object, optional_text_field, text_field, unknown_fields


@dataclass(frozen=True)
class FileInfo:
    """A stored file. `size` is in bytes.

    `created_at` is RFC 3339, and None in the answer to an upload. Fields that this version does not know are in
    `extra`.
    """

    name: str
    mime_type: str
    size: int
    created_at: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> FileInfo:
        """Read one element of the answer. Raises `ValueError` when it is not a file."""
        answer = json_object(value)
        return cls(
            text_field(answer, "name"),
            text_field(answer, "mime_type"),
            integer_field(answer, "size"),
            optional_text_field(answer, "created_at"),
            unknown_fields(cls, answer),
        )
