"""What `GET /health` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from vault_proxy.json_fields import boolean_field, json_object, text_field, unknown_fields


class MemoryDetails(TypedDict):
    """Memory of the server's process, in bytes."""

    rss: int
    heap_used: int
    heap_total: int
    external: int


class LagDetails(TypedDict):
    """How late the server's event loop was within the last 30 to 60 seconds."""

    mean_seconds: float
    max_seconds: float


class _StoredVault(TypedDict):
    generation: int
    backup_present: bool


class VaultFileDetails(_StoredVault, total=False):
    """The vault file. `generation` counts its saves; `last_saved_at` is RFC 3339."""

    file_bytes: int
    last_saved_at: str


class _AuditState(TypedDict):
    state: Literal["on", "off", "failing"]


class AuditDetails(_AuditState, total=False):
    """The audit log. What is queued is not written yet; `lost_entries` found no room."""

    file_bytes: int
    queued_lines: int
    queued_bytes: int
    lost_entries: int


class _RunningServer(TypedDict):
    started_at: str
    uptime_seconds: float
    node_version: str
    memory: MemoryDetails
    event_loop_lag: LagDetails
    services: int
    tokens: int
    policies: int
    files: int
    vault: VaultFileDetails
    audit: AuditDetails
    calls_running: int
    connections_open: int
    sessions_open: int
    ssh_connections_open: int
    refresh_failures: int


class HealthDetails(_RunningServer, total=False):
    """How the server does, for admins. Times are RFC 3339.

    `refresh_failures` counts those of access tokens since the server started.
    """

    unlocked_at: str


@dataclass(frozen=True)
class Health:
    """Whether the vault is open, and how its server does.

    `status` is `locked` or `unlocked`. `initialized` is false before the first unlock, which creates the vault with the
    password that it is given. `details` are for admins, while the vault is unlocked; else None. Fields that this
    version does not know are in `extra`.
    """

    status: str
    initialized: bool
    version: str
    details: HealthDetails | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> Health:
        """Read the answer. Raises `ValueError` when it is not the health of a vault."""
        answer = json_object(value)
        details: Any = None if answer.get("details") is None else json_object(answer["details"])
        return cls(
            text_field(answer, "status"),
            boolean_field(answer, "initialized"),
            text_field(answer, "version"),
            details,
            unknown_fields(cls, answer),
        )
