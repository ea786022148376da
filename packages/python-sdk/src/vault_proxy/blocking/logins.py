"""Logins at providers, which end in services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.blocking.connection import BlockingConnection
from vault_proxy.operations import logins

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from vault_proxy.login import (
        BrowserLoginOptions,
        DeviceLoginOptions,
        LoginStatus,
        StartedBrowserLogin,
        StartedDeviceLogin,
    )


class BlockingLogins(BlockingConnection):
    """Methods of the client."""

    def oauth_authorize(
        self, service_name: str, base_url: str, **options: Unpack[BrowserLoginOptions]
    ) -> StartedBrowserLogin:
        """Begin a login in a browser (admin): who opens its `auth_url` and logs in makes the service (RFC 6749).

        It replaces a service of that name. `oauth_flow` tells how the login stands; docs/oauth2.md has the options.
        """
        return self._call(logins.oauth_authorize(service_name, base_url, options))

    def oauth_device(
        self, service_name: str, base_url: str, **options: Unpack[DeviceLoginOptions]
    ) -> StartedDeviceLogin:
        """Begin a login by a code that is typed on another device (admin; RFC 8628)."""
        return self._call(logins.oauth_device(service_name, base_url, options))

    def oauth_flow(self, flow: str) -> LoginStatus:
        """Say how a login stands (admin), or how it ended within the last five minutes."""
        return self._call(logins.oauth_flow(flow))

    def cancel_oauth_flow(self, flow: str) -> None:
        """Cancel a login that is under way (admin)."""
        self._call(logins.cancel_oauth_flow(flow))
