"""Logins at providers, which end in services."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vault_proxy.login import LoginStatus, StartedBrowserLogin, StartedDeviceLogin
from vault_proxy.operations.answers import json_reader, read_done
from vault_proxy.operations.operation import Operation

if TYPE_CHECKING:
    from vault_proxy.login import BrowserLoginOptions, DeviceLoginOptions

_FLOW = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def oauth_authorize(service_name: str, base_url: str, options: BrowserLoginOptions) -> Operation[StartedBrowserLogin]:
    """Begin a login in a browser; an admin token is needed."""
    body = {"json": {**options, "service_name": service_name, "base_url": base_url}}
    return Operation("POST", "/auth/oauth2/authorize", json_reader(StartedBrowserLogin.from_json), body=body)


def oauth_device(service_name: str, base_url: str, options: DeviceLoginOptions) -> Operation[StartedDeviceLogin]:
    """Begin a login on another device; an admin token is needed."""
    body = {"json": {**options, "service_name": service_name, "base_url": base_url}}
    return Operation("POST", "/auth/oauth2/device", json_reader(StartedDeviceLogin.from_json), body=body)


def oauth_flow(flow: str) -> Operation[LoginStatus]:
    """Ask how a login stands; an admin token is needed. Raises `ValueError` for what names no login."""
    return Operation("GET", _target(flow), json_reader(LoginStatus.from_json))


def cancel_oauth_flow(flow: str) -> Operation[None]:
    """Cancel a login; an admin token is needed. Raises `ValueError` for what names no login."""
    return Operation("DELETE", _target(flow), json_reader(read_done))


def _target(flow: str) -> str:
    if not _FLOW.fullmatch(flow):
        raise ValueError("a login is named by letters, digits, '_' and '-'")
    return f"/auth/oauth2/flows/{flow}"
