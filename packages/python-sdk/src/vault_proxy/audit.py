"""What `GET /audit` answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from vault_proxy.json_fields import integer_field, json_object, list_field, text_field


class AuditFilter(TypedDict, total=False):
    """Which entries are asked for: those that fit everything that is given.

    `token` is the start of a token's id; `action` is one such as `ssh.exec`, or what is before its dot.
    """

    service: str
    token: str
    action: str
    decision: Literal["allow", "deny"]


class _EveryEntry(TypedDict):
    seq: int
    time: str
    action: str


class AuditEntry(_EveryEntry, total=False):
    """One line of the audit log; what else it has goes by its action (docs/audit.md).

    `seq` is its number in the log, `time` is RFC 3339, `ms` are milliseconds.
    """

    decision: Literal["allow", "deny"]
    request_id: str
    token: str
    token_name: str
    service: str
    method: str
    path: str
    rule: str
    status: int
    code: str
    bytes_in: int
    bytes_out: int
    ms: float
    client: str
    justification: str
    details: dict[str, str | int | float | bool]


@dataclass(frozen=True)
class AuditPage:
    """A page of the audit log, the newest entry first. `next` is the `before` of the next page, None at the end."""

    entries: list[AuditEntry]
    next: int | None

    @classmethod
    def from_json(cls, value: object) -> AuditPage:
        """Read the answer. Raises `ValueError` when it is not a page of an audit log."""
        answer = json_object(value)
        following = None if answer.get("next") is None else integer_field(answer, "next")
        return cls([_entry(entry) for entry in list_field(answer, "entries")], following)


def _entry(value: object) -> AuditEntry:
    entry: Any = json_object(value)
    integer_field(entry, "seq")
    for name in ("time", "action"):
        text_field(entry, name)
    checked: AuditEntry = entry
    return checked
