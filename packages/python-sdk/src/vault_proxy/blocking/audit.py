"""The audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.blocking.connection import BlockingConnection
from vault_proxy.operations import audit

if TYPE_CHECKING:
    from collections.abc import Generator

    from typing_extensions import Unpack

    from vault_proxy.audit import AuditEntry, AuditFilter, AuditPage


class BlockingAudit(BlockingConnection):
    """Methods of the client."""

    def list_audit(
        self, *, limit: int | None = None, before: int | None = None, **chosen: Unpack[AuditFilter]
    ) -> AuditPage:
        """Show a page of the audit log, the newest entry first (admin).

        `limit` is at most 1000, 100 without it; `before` is `next` of the page before. `service`, `token` (the start
        of an id), `action` (one such as `ssh.exec`, or what is before its dot) and `decision` (`allow` or `deny`) say
        which entries.
        """
        return self._call(audit.list_audit(limit=limit, before=before, chosen=chosen))

    def iter_audit(
        self, *, before: int | None = None, page_size: int = 1000, **chosen: Unpack[AuditFilter]
    ) -> Generator[AuditEntry, None, None]:
        """Yield the entries of the audit log, the newest first (admin); what is written meanwhile is not among them.

        The arguments are those of `list_audit`; `page_size` entries are asked for at a time.
        """
        following = before
        while True:
            page = self._call(audit.list_audit(limit=page_size, before=following, chosen=chosen))
            yield from page.entries
            if page.next is None:
                return
            following = page.next
