"""What the vault tells anyone with a token about a service: nothing secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class ServiceInfo:
    """One service of `GET /services`.

    A field that does not apply to the service is None. `expires_at` is in unix seconds, and `token_status` is
    `valid`, `expiring` or `expired`. `scrub` is `off` where the service's secrets are not overwritten in answers.
    `key_file`, `client_key_file`, `file_ref` and `ssh_key_file_ref` are names of uploaded files. `warnings` are
    sentences for the admin who stores a service, in the answer to that only. Fields that this version does not know
    are in `extra`.
    """

    name: str
    base_url: str | None = None
    auth_type: str | None = None
    description: str | None = None
    tls_skip_verify: bool | None = None
    session_cookies: bool | None = None
    allow_private: bool | None = None
    forward_cookies: bool | None = None
    headers: dict[str, str] | None = None
    connect_timeout: str | None = None
    response_timeout: str | None = None
    idle_timeout: str | None = None
    max_request_bytes: int | None = None
    expires_at: int | None = None
    token_status: str | None = None
    scopes: list[str] | str | None = None
    key_file: str | None = None
    client_key_file: str | None = None
    file_ref: str | None = None
    header_name: str | None = None
    header_names: list[str] | None = None
    query_params: list[str] | None = None
    username: str | None = None
    scrub: str | None = None
    warnings: list[str] | None = None
    ssh_host: str | None = None
    ssh_port: int | None = None
    ssh_user: str | None = None
    ssh_key_file_ref: str | None = None
    ssh_connected: bool | None = None
    ssh_host_key: str | None = None
    ssh_host_key_fingerprint: str | None = None
    ssh_allowed_commands: list[str] | None = None
    ssh_allowed_paths: list[str] | None = None
    ssh_legacy_algorithms: list[str] | None = None
    imap_host: str | None = None
    imap_port: int | None = None
    imap_user: str | None = None
    imap_tls: str | None = None
    imap_auth: str | None = None
    smtp_host: str | None = None
    smtp_port: int | None = None
    smtp_user: str | None = None
    smtp_tls: str | None = None
    smtp_auth: str | None = None
    oauth_service: str | None = None
    redis_host: str | None = None
    redis_port: int | None = None
    redis_username: str | None = None
    redis_db: int | None = None
    redis_tls: str | bool | None = None
    postgres_host: str | None = None
    postgres_port: int | None = None
    postgres_user: str | None = None
    postgres_db: str | None = None
    postgres_tls: str | None = None
    max_connections: int | None = None
    require_password: bool | None = None
    any_local_user: bool | None = None
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> ServiceInfo:
        """Read one element of the answer. Raises `ValueError` when it is not an object with a `name`."""
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise ValueError("a service is not an object with a name")
        known = {field.name for field in dataclasses.fields(cls)} - {"extra"}
        return cls(
            **{key: item for key, item in value.items() if key in known},
            extra={key: item for key, item in value.items() if key not in known},
        )
