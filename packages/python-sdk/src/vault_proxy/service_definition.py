"""What a service is made of: its settings, and its credential by auth type; docs/auth-types.md explains each field.

Names of files are those of uploaded files. Durations are written as in Go: `10s`, `5m`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, TypedDict

from vault_proxy.login import ClientAuthentication

RequestParameters = Mapping[str, str | int | float | bool]


class BearerAuth(TypedDict):
    """A token in the `Authorization` header (RFC 6750)."""

    type: Literal["bearer"]
    token: str


class HeaderAuth(TypedDict):
    """A key in a header of its own."""

    type: Literal["header"]
    header_name: str
    header_value: str


class HeadersAuth(TypedDict):
    """Several headers that are secret."""

    type: Literal["headers"]
    headers: Mapping[str, str]


class _BasicSecret(TypedDict):
    type: Literal["basic"]
    password: str


class BasicAuth(_BasicSecret, total=False):
    """User name and password (RFC 7617)."""

    username: str


class UrlAuth(TypedDict):
    """A secret that stands in `base_url` as `{token}`."""

    type: Literal["url"]
    token: str


class QueryAuth(TypedDict):
    """Parameters of the query that are secret."""

    type: Literal["query"]
    params: Mapping[str, str]


class _AccessToken(TypedDict, total=False):
    access_token: str
    expires_at: int
    issued_at: int


class _OAuth2ClientType(TypedDict):
    type: Literal["oauth2_client"]


class OAuth2ClientAuth(_OAuth2ClientType, _AccessToken, total=False):
    """Access tokens by a refresh token, or by the client's own credentials (RFC 6749). Times are in unix seconds."""

    client_id: str
    client_secret: str
    refresh_token: str
    token_url: str
    refresh_url: str
    scopes: list[str]
    grant: Literal["refresh_token", "client_credentials"]
    client_auth: ClientAuthentication
    client_key_file: str
    client_key_id: str
    issuer: str
    token_body: Literal["form", "json"]
    extra: RequestParameters
    client_secret_file: str
    token_file: str


class _ServiceAccountKey(TypedDict):
    type: Literal["service_account"]
    file_ref: str


class ServiceAccountAuth(_ServiceAccountKey, total=False):
    """A service account of Google: a signed assertion is exchanged for access tokens (RFC 7523)."""

    sa_scopes: list[str]
    sa_token_url: str
    sa_subject: str
    sa_access_token: str
    sa_expires_at: int
    sa_issued_at: int


class _JwtBearerIssuer(TypedDict):
    type: Literal["jwt_bearer"]
    token_url: str
    issuer: str


class JwtBearerAuth(_JwtBearerIssuer, _AccessToken, total=False):
    """A signed assertion is exchanged for access tokens (RFC 7523); `key_file` or `private_key` is its key."""

    subject: str
    audience: str
    scopes: list[str]
    algorithm: Literal["RS256", "ES256", "EdDSA"]
    kid: str
    key_file: str
    private_key: str
    claims: RequestParameters
    lifetime: int
    client_id: str
    client_secret: str
    client_auth: Literal["post", "basic"]
    token_body: Literal["form", "json"]
    extra: RequestParameters


class _GitHubAppInstallation(TypedDict):
    type: Literal["github_app"]
    app_id: str | int
    installation_id: str | int


class GitHubAppAuth(_GitHubAppInstallation, _AccessToken, total=False):
    """A GitHub App: installation access tokens; `key_file` or `private_key` is its key."""

    key_file: str
    private_key: str
    api_url: str
    repositories: list[str]
    permissions: Mapping[str, Literal["read", "write", "admin"]]


class _ImapUser(TypedDict):
    type: Literal["imap"]
    imap_host: str
    imap_user: str


class ImapAuth(_ImapUser, total=False):
    """A mailbox, for sessions. `oauth_service` is the service whose access token is the credential."""

    imap_port: int
    imap_password: str
    imap_tls: Literal["implicit", "starttls", "none"]
    imap_auth: Literal["login", "plain", "xoauth2", "oauthbearer"]
    oauth_service: str


class _SmtpUser(TypedDict):
    type: Literal["smtp"]
    smtp_host: str
    smtp_user: str


class SmtpAuth(_SmtpUser, total=False):
    """A server that mail is handed to, for sessions. `oauth_service` is the service whose access token is used."""

    smtp_port: int
    smtp_password: str
    smtp_tls: Literal["starttls", "implicit", "none"]
    smtp_auth: Literal["auto", "plain", "login", "cram-md5", "xoauth2"]
    oauth_service: str


class _RedisSecret(TypedDict):
    type: Literal["redis"]
    redis_host: str
    redis_password: str


class RedisAuth(_RedisSecret, total=False):
    """A Redis server, for sessions."""

    redis_port: int
    redis_username: str
    redis_db: int
    redis_tls: bool


class _PostgresSecret(TypedDict):
    type: Literal["postgres"]
    postgres_host: str
    postgres_user: str
    postgres_password: str


class PostgresAuth(_PostgresSecret, total=False):
    """A PostgreSQL database, for sessions."""

    postgres_port: int
    postgres_db: str
    postgres_tls: Literal["require", "prefer", "disable"]


class _SshUser(TypedDict):
    type: Literal["ssh_key"]
    ssh_host: str
    ssh_user: str


class SshKeyAuth(_SshUser, total=False):
    """A server that is reached by SSH, with the uploaded key `ssh_key_file_ref` or with `ssh_password`."""

    ssh_port: int
    ssh_key_file_ref: str
    ssh_key_passphrase: str
    ssh_password: str
    ssh_host_key: str
    ssh_allowed_commands: list[str]
    ssh_allowed_paths: list[str]
    ssh_legacy_algorithms: list[str]


AuthDefinition: TypeAlias = (
    BearerAuth
    | HeaderAuth
    | HeadersAuth
    | BasicAuth
    | UrlAuth
    | QueryAuth
    | OAuth2ClientAuth
    | ServiceAccountAuth
    | JwtBearerAuth
    | GitHubAppAuth
    | ImapAuth
    | SmtpAuth
    | RedisAuth
    | PostgresAuth
    | SshKeyAuth
)
"""How a credential is stored and where it is injected; `type` tells which."""


class ServiceSettings(TypedDict, total=False):
    """What a service has beside its name and its credential; APIs need a `base_url`.

    `tls_ca` is PEM. A `max_request_bytes` of 0 is no limit. `scrub` says whether the service's secrets are overwritten
    where they stand in an answer.
    """

    base_url: str
    description: str
    tls_skip_verify: bool
    session_cookies: bool
    allow_private: bool
    tls_ca: str
    headers: Mapping[str, str]
    forward_cookies: bool
    scrub: Literal["on", "off"]
    connect_timeout: str
    response_timeout: str
    idle_timeout: str
    max_request_bytes: int
    max_connections: int
    require_password: bool
    any_local_user: bool


class _NamedCredential(TypedDict):
    name: str
    auth: AuthDefinition


class ServiceDefinition(_NamedCredential, ServiceSettings):
    """A service, as `add_service` takes it."""


class _Credential(TypedDict):
    auth: AuthDefinition | Mapping[str, object]


class ServiceUpdate(_Credential, ServiceSettings):
    """A service, as `update_service` takes it: its `auth` may lack secrets, which are then kept."""
