"""The blocking client."""

from __future__ import annotations

from vault_proxy.blocking.audit import BlockingAudit
from vault_proxy.blocking.files import BlockingFiles
from vault_proxy.blocking.logins import BlockingLogins
from vault_proxy.blocking.policies import BlockingPolicies
from vault_proxy.blocking.proxying import BlockingProxying
from vault_proxy.blocking.services import BlockingServices
from vault_proxy.blocking.sessions import BlockingSessions
from vault_proxy.blocking.ssh import BlockingSsh
from vault_proxy.blocking.tokens import BlockingTokens
from vault_proxy.blocking.vault_state import BlockingVaultState
from vault_proxy.one_class import as_one_class


@as_one_class
class VaultClient(
    BlockingProxying,
    BlockingServices,
    BlockingTokens,
    BlockingPolicies,
    BlockingFiles,
    BlockingLogins,
    BlockingSessions,
    BlockingSsh,
    BlockingAudit,
    BlockingVaultState,
):
    """A client of one vault; use it in a `with`, or `close()` it.

    Threads may share it, and a process that is forked off may go on using it, over connections of its own.

    Every method raises `VaultError` for an error of the vault or of the API behind it, and of its kinds
    `VaultConnectionError` where no answer came, `VaultTimeoutError` where it took too long; and `ValueError` or
    `TypeError` for what cannot be sent.
    """
