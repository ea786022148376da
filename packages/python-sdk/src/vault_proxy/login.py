"""Logins at providers, which end in services: what is asked for, and what the vault answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from vault_proxy.json_fields import json_object, optional_text_field, text_field

ClientAuthentication = Literal["post", "basic", "none", "client_secret_jwt", "private_key_jwt"]


class LoginOptions(TypedDict, total=False):
    """What a login may say beside the service's name and base URL; docs/oauth2.md explains each field.

    Files are named as they were uploaded. The settings of a service (`headers`, `tls_ca`, …) belong here too.
    """

    scopes: Sequence[str]
    client_secret_file: str
    client_id: str
    client_secret: str
    token_url: str
    refresh_url: str
    client_auth: ClientAuthentication
    client_key_file: str
    client_key_id: str
    token_body: Literal["form", "json"]
    extra: Mapping[str, str | int | bool]
    authorize_params: Mapping[str, str | int | bool]
    scope_separator: Literal[" ", ","]
    issuer: str
    long_lived_token: bool
    description: str
    headers: Mapping[str, str]
    tls_ca: str
    tls_skip_verify: bool
    allow_private: bool
    session_cookies: bool
    forward_cookies: bool
    scrub: Literal["on", "off"]
    connect_timeout: str
    response_timeout: str
    idle_timeout: str
    max_request_bytes: int


class BrowserLoginOptions(LoginOptions, total=False):
    """Of a login in a browser."""

    auth_url: str
    redirect_uri: str
    require_iss: bool


class DeviceLoginOptions(LoginOptions, total=False):
    """Of a login on another device (RFC 8628)."""

    device_url: str


@dataclass(frozen=True)
class StartedBrowserLogin:
    """What the person who logs in opens. `redirect_uri` must be registered at the provider, byte for byte.

    `flow` names the login for `oauth_flow` and `cancel_oauth_flow`; `expires_at` is RFC 3339.
    """

    auth_url: str
    redirect_uri: str
    flow: str
    expires_at: str

    @classmethod
    def from_json(cls, value: object) -> StartedBrowserLogin:
        """Read the answer. Raises `ValueError` when it is not a login in a browser."""
        answer = json_object(value)
        return cls(
            text_field(answer, "auth_url"),
            text_field(answer, "redirect_uri"),
            text_field(answer, "flow"),
            text_field(answer, "expires_at"),
        )


@dataclass(frozen=True)
class StartedDeviceLogin:
    """What the person who logs in types, and where; `verification_uri_complete` is the same with the code in it.

    `interval` is how many seconds the vault waits between two questions at the provider.
    """

    user_code: str
    verification_uri: str
    flow: str
    expires_at: str
    interval: float
    verification_uri_complete: str | None = None

    @classmethod
    def from_json(cls, value: object) -> StartedDeviceLogin:
        """Read the answer. Raises `ValueError` when it is not a login on a device."""
        answer = json_object(value)
        interval = answer.get("interval")
        if not isinstance(interval, int | float):
            raise ValueError("no interval")
        return cls(
            text_field(answer, "user_code"),
            text_field(answer, "verification_uri"),
            text_field(answer, "flow"),
            text_field(answer, "expires_at"),
            interval,
            optional_text_field(answer, "verification_uri_complete"),
        )


@dataclass(frozen=True)
class LoginStatus:
    """How a login stands: `status` is `pending`, `done` or `failed`; a failed one has a `code` and a sentence.

    `replaced` says of one that is done whether there was a service of that name before.
    """

    status: str
    service_name: str
    error: str | None = None
    code: str | None = None
    replaced: bool = False

    @classmethod
    def from_json(cls, value: object) -> LoginStatus:
        """Read the answer. Raises `ValueError` when it is not the status of a login."""
        answer = json_object(value)
        return cls(
            text_field(answer, "status"),
            text_field(answer, "service_name"),
            optional_text_field(answer, "error"),
            optional_text_field(answer, "code"),
            answer.get("replaced") is True,
        )
