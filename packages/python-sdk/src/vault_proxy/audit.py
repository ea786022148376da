"""What `GET /audit` answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vault_proxy.json_fields import json_object, text_field


@dataclass(frozen=True)
class AuditPage:
    """A page of the audit log, the newest entry first.

    An entry has `seq`, `time` (RFC 3339) and `action`, and what else goes by its action; see the audit log's
    documentation. `next` is the `before` of the next page, None at the end.
    """

    entries: list[dict[str, Any]]
    next: int | None

    @classmethod
    def from_json(cls, value: object) -> AuditPage:
        """Read the answer. Raises `ValueError` when it is not a page of an audit log."""
        answer = json_object(value)
        entries, following = answer.get("entries"), answer.get("next")
        if not isinstance(entries, list) or not isinstance(following, int | None):
            raise ValueError("no page of an audit log")
        return cls([_entry(entry) for entry in entries], following)


def _entry(value: object) -> dict[str, Any]:
    entry = dict(json_object(value))
    if not isinstance(entry.get("seq"), int):
        raise ValueError("seq: is no number")
    for name in ("time", "action"):
        text_field(entry, name)
    return entry
