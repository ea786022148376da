"""Whether the vault is open, its passwords, and how its server does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.asynchronous.connection import AsyncConnection
from vault_proxy.operations import vault_state

if TYPE_CHECKING:
    from vault_proxy.health import Health
    from vault_proxy.issued_token import IssuedToken
    from vault_proxy.token_health import TokenHealth


class AsyncVaultState(AsyncConnection):
    """Methods of the client."""

    async def health(self) -> str:
        """Give the vault's status, `locked` or `unlocked`. No token is needed or sent.

        Raises `VaultError` for what is no vault's answer.
        """
        return await self._call(vault_state.health())

    async def health_details(self) -> Health:
        """Give all that the vault says of itself; with an admin's token and unlocked, how the server does as well.

        The token is optional: without an admin's, `details` is None.
        """
        return await self._call(vault_state.health_details())

    async def health_tokens(self) -> list[TokenHealth]:
        """Say how long the access tokens of services whose credential expires are still valid (any token)."""
        return await self._call(vault_state.health_tokens())

    async def metrics(self) -> str:
        """Give the metrics as Prometheus reads them, with the token of an admin or of scope `metrics`.

        They are text of format 0.0.4; docs/metrics.md describes each.
        """
        return await self._call(vault_state.metrics())

    async def unlock(self, password: str, *, idle_timeout: str | None = None) -> IssuedToken:
        """Unlock the vault, or create it on the first call, and use the admin token that it gives.

        `password` has 8 characters or more where it creates the vault; the recovery key is taken too. With
        `idle_timeout`, such as `15m`, the token is refused once nobody used it for so long. Raises
        `VaultError` with the code `unauthorized` for a wrong password or a damaged file, and with `locked_out` and
        `retry_after` after too many wrong ones.
        """
        issued = await self._call(vault_state.unlock(password, idle_timeout=idle_timeout))
        self.token = issued.id
        return issued

    async def lock(self, *, revoke_tokens: bool = False) -> None:
        """Lock the vault (admin), for all its callers, and forget the token.

        Tokens work again after the next unlock, unless `revoke_tokens`.
        """
        await self._call(vault_state.lock(revoke_tokens=revoke_tokens))
        self.token = None

    async def change_password(self, current: str, new: str) -> None:
        """Change the vault's password (admin). `current` may be the recovery key; `new` has 8 characters or more.

        Raises `VaultError` with the code `unauthorized` for a wrong `current`.
        """
        await self._call(vault_state.change_password(current, new))

    async def create_recovery_key(self, password: str) -> str:
        """Give a new recovery key (admin), this once; the one before opens nothing any more.

        It opens the vault as its password does: `unlock` and `change_password` take it.
        """
        return await self._call(vault_state.create_recovery_key(password))
