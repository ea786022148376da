"""Python client of vault-proxy: call APIs through the vault without holding their credentials.

`VaultClient` blocks, `AsyncVaultClient` awaits; both offer the same methods and share one I/O-free core.

`VaultClient` may be shared by threads; `AsyncVaultClient` belongs to one event loop. After a fork, each process has
connections of its own. Neither can be pickled, and no repr shows a token.

What can go wrong:

- `VaultError`: the vault, or the API behind it, answered with an error status.
  - `VaultConnectionError`: no answer came, or half of one. It is an `httpx.TransportError` too.
    - `VaultTimeoutError`: it took too long. It is an `httpx.TimeoutException` too.
- `ValueError`, `TypeError`: the call could not be sent as asked for (plaintext to another machine, a bad service name).
- `RuntimeError`: the client is closed.
"""

from vault_proxy.async_client import AsyncVaultClient
from vault_proxy.audit import AuditEntry, AuditFilter, AuditPage
from vault_proxy.client import VaultClient
from vault_proxy.errors import VaultConnectionError, VaultError, VaultTimeoutError
from vault_proxy.file_info import FileInfo
from vault_proxy.health import AuditDetails, Health, HealthDetails, LagDetails, MemoryDetails, VaultFileDetails
from vault_proxy.issued_token import IssuedToken, TokenScope
from vault_proxy.login import (
    BrowserLoginOptions,
    ClientAuthentication,
    DeviceLoginOptions,
    LoginOptions,
    LoginStatus,
    StartedBrowserLogin,
    StartedDeviceLogin,
)
from vault_proxy.policy import (
    Policy,
    PolicyAction,
    PolicyContent,
    PolicyLimits,
    PolicyQuestion,
    PolicyRule,
    PolicyValidity,
    PolicyVerdict,
)
from vault_proxy.sdk_options import SdkOptions
from vault_proxy.service_definition import (
    AuthDefinition,
    BasicAuth,
    BearerAuth,
    GitHubAppAuth,
    HeaderAuth,
    HeadersAuth,
    ImapAuth,
    JwtBearerAuth,
    OAuth2ClientAuth,
    PostgresAuth,
    QueryAuth,
    RedisAuth,
    ServiceAccountAuth,
    ServiceDefinition,
    ServiceSettings,
    ServiceUpdate,
    SmtpAuth,
    SshKeyAuth,
    UrlAuth,
)
from vault_proxy.service_info import ServiceInfo
from vault_proxy.service_test import ServiceTest
from vault_proxy.session import AsyncSession, OpenedSession, Session, SessionInfo, SessionProtocol
from vault_proxy.ssh_exec import SshExecEvent, SshExecResult, SshExit, SshOutput
from vault_proxy.token_health import TokenHealth
from vault_proxy.token_info import TokenInfo
from vault_proxy.upload_source import UploadSource

__all__ = [
    "AsyncSession",
    "AsyncVaultClient",
    "AuditDetails",
    "AuditEntry",
    "AuditFilter",
    "AuditPage",
    "AuthDefinition",
    "BasicAuth",
    "BearerAuth",
    "BrowserLoginOptions",
    "ClientAuthentication",
    "DeviceLoginOptions",
    "FileInfo",
    "GitHubAppAuth",
    "HeaderAuth",
    "HeadersAuth",
    "Health",
    "HealthDetails",
    "ImapAuth",
    "IssuedToken",
    "JwtBearerAuth",
    "LagDetails",
    "LoginOptions",
    "LoginStatus",
    "MemoryDetails",
    "OAuth2ClientAuth",
    "OpenedSession",
    "Policy",
    "PolicyAction",
    "PolicyContent",
    "PolicyLimits",
    "PolicyQuestion",
    "PolicyRule",
    "PolicyValidity",
    "PolicyVerdict",
    "PostgresAuth",
    "QueryAuth",
    "RedisAuth",
    "SdkOptions",
    "ServiceAccountAuth",
    "ServiceDefinition",
    "ServiceInfo",
    "ServiceSettings",
    "ServiceTest",
    "ServiceUpdate",
    "Session",
    "SessionInfo",
    "SessionProtocol",
    "SmtpAuth",
    "SshExecEvent",
    "SshExecResult",
    "SshExit",
    "SshKeyAuth",
    "SshOutput",
    "StartedBrowserLogin",
    "StartedDeviceLogin",
    "TokenHealth",
    "TokenInfo",
    "TokenScope",
    "UploadSource",
    "UrlAuth",
    "VaultClient",
    "VaultConnectionError",
    "VaultError",
    "VaultFileDetails",
    "VaultTimeoutError",
]

for _error in (VaultError, VaultConnectionError, VaultTimeoutError):
    # What a traceback says last is where it is imported from.
    _error.__module__ = __name__
