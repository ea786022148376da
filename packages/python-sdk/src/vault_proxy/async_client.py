"""The client for asyncio and trio: the blocking client's methods, awaited."""

from __future__ import annotations

from vault_proxy.asynchronous.audit import AsyncAudit
from vault_proxy.asynchronous.files import AsyncFiles
from vault_proxy.asynchronous.logins import AsyncLogins
from vault_proxy.asynchronous.policies import AsyncPolicies
from vault_proxy.asynchronous.proxying import AsyncProxying
from vault_proxy.asynchronous.services import AsyncServices
from vault_proxy.asynchronous.sessions import AsyncSessions
from vault_proxy.asynchronous.ssh import AsyncSsh
from vault_proxy.asynchronous.tokens import AsyncTokens
from vault_proxy.asynchronous.vault_state import AsyncVaultState
from vault_proxy.one_class import as_one_class


@as_one_class
class AsyncVaultClient(
    AsyncProxying,
    AsyncServices,
    AsyncTokens,
    AsyncPolicies,
    AsyncFiles,
    AsyncLogins,
    AsyncSessions,
    AsyncSsh,
    AsyncAudit,
    AsyncVaultState,
):
    """A client of one vault, for one event loop; use it in an `async with`, or `await close()` it.

    Calls may run side by side.

    Every method raises `VaultError` for an error of the vault or of the API behind it, and of its kinds
    `VaultConnectionError` where no answer came, `VaultTimeoutError` where it took too long; and `ValueError` or
    `TypeError` for what cannot be sent.
    """
