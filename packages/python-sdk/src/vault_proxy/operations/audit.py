"""The audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from vault_proxy.audit import AuditPage
from vault_proxy.operations.answers import json_reader
from vault_proxy.operations.operation import Operation, given

if TYPE_CHECKING:
    from vault_proxy.audit import AuditFilter


def list_audit(*, limit: int | None, before: int | None, chosen: AuditFilter) -> Operation[AuditPage]:
    """Ask for a page of the audit log, the newest entry first; an admin token is needed."""
    query = urlencode(given({"limit": limit, "before": before, **chosen}))
    return Operation("GET", f"/audit?{query}" if query else "/audit", json_reader(AuditPage.from_json))
