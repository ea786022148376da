"""TCP sessions: ports that are logged in to mail servers and databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.asynchronous.connection import AsyncConnection
from vault_proxy.errors import VaultError
from vault_proxy.operations import sessions
from vault_proxy.session import AsyncSession

if TYPE_CHECKING:
    from vault_proxy.session import SessionInfo, SessionProtocol


class AsyncSessions(AsyncConnection):
    """Methods of the client."""

    async def session(
        self,
        protocol: SessionProtocol,
        service: str,
        *,
        timeout: int | None = None,
        max_connections: int | None = None,
        require_password: bool | None = None,
        idle_timeout: str | None = None,
    ) -> AsyncSession:
        """Open a port on the vault's machine that is logged in to a service of the type `protocol`.

        `timeout` is in seconds: for one client (`max_connections` 1, the default) how long it may take to come, 30
        by default and at most 300; for several at a time how long the session lives, at most a day. With
        `require_password` clients must log in with the session's own user name and password. A connection without a
        byte either way for `idle_timeout`, such as `10m`, is closed.

        Use it in an `async with await vault.session(…) as session`, or `await session.close()` it.
        """
        operation = sessions.open_session(
            protocol,
            service,
            timeout=timeout,
            max_connections=max_connections,
            require_password=require_password,
            idle_timeout=idle_timeout,
        )
        return AsyncSession(**vars(await self._call(operation)), _close=self._end_session)

    async def list_sessions(self) -> list[SessionInfo]:
        """List the open sessions: with an admin's token all, with others their own."""
        return await self._call(sessions.list_sessions())

    async def close_session(self, session_id: str) -> None:
        """Close a session and its connections."""
        await self._call(sessions.close_session(session_id))

    async def _end_session(self, session_id: str) -> None:
        try:
            await self.close_session(session_id)
        except VaultError as error:
            if not sessions.says_ended(error):
                raise
