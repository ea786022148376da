"""Python client of vault-proxy: call APIs through the vault without holding their credentials.

`VaultClient` blocks, `AsyncVaultClient` awaits; both offer the same methods and share one I/O-free core.

What can go wrong:

- `VaultError`: the vault, or the API behind it, answered with an error status.
- `ValueError`: the call could not be sent as asked for (plaintext to another machine, a bad service name, ...).
- `httpx.TransportError`: no answer came (connection refused, time-out, a cut-off body).
"""

from vault_proxy.async_client import AsyncVaultClient
from vault_proxy.audit import AuditPage
from vault_proxy.client import VaultClient
from vault_proxy.errors import VaultError
from vault_proxy.issued_token import IssuedToken
from vault_proxy.login import LoginStatus, StartedBrowserLogin, StartedDeviceLogin
from vault_proxy.policy import (
    Policy,
    PolicyAction,
    PolicyContent,
    PolicyLimits,
    PolicyQuestion,
    PolicyRule,
    PolicyVerdict,
)
from vault_proxy.service_info import ServiceInfo
from vault_proxy.session import AsyncSession, OpenedSession, Session, SessionInfo, SessionProtocol
from vault_proxy.ssh_exec import SshExecEvent, SshExecResult, SshExit, SshOutput
from vault_proxy.token_health import TokenHealth

__all__ = [
    "AsyncSession",
    "AsyncVaultClient",
    "AuditPage",
    "IssuedToken",
    "LoginStatus",
    "OpenedSession",
    "Policy",
    "PolicyAction",
    "PolicyContent",
    "PolicyLimits",
    "PolicyQuestion",
    "PolicyRule",
    "PolicyVerdict",
    "ServiceInfo",
    "Session",
    "SessionInfo",
    "SessionProtocol",
    "SshExecEvent",
    "SshExecResult",
    "SshExit",
    "SshOutput",
    "StartedBrowserLogin",
    "StartedDeviceLogin",
    "TokenHealth",
    "VaultClient",
    "VaultError",
]
