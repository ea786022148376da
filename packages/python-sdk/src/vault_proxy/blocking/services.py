"""Services: what can be called, and with which credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.blocking.connection import BlockingConnection
from vault_proxy.operations import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from vault_proxy.service_definition import ServiceDefinition, ServiceUpdate
    from vault_proxy.service_info import ServiceInfo
    from vault_proxy.service_test import ServiceTest


class BlockingServices(BlockingConnection):
    """Methods of the client."""

    def list_services(self) -> list[ServiceInfo]:
        """List the services that can be called, without their secrets."""
        return self._call(services.list_services())

    def get_service(self, name: str) -> ServiceInfo:
        """Show a service, without its secrets. Raises `VaultError` with the code `not_found` where there is none."""
        return self._call(services.get_service(name))

    def add_service(self, definition: ServiceDefinition) -> ServiceInfo:
        """Store a service, or replace the one of that name (admin).

        `definition` has a `name`, its `auth` by `type` (docs/auth-types.md), for APIs a `base_url`, and settings. The
        answer's `warnings` are sentences about what may not be meant. Raises `VaultError` with the code
        `invalid_request`, and a sentence that names the field, for what is no service.
        """
        return self._call(services.add_service(definition))

    def update_service(self, name: str, definition: ServiceUpdate) -> ServiceInfo:
        """Replace a service that is there (admin).

        While the auth type stays, secrets that `definition` leaves out are kept; everything else is as it says.
        """
        return self._call(services.update_service(name, definition))

    def patch_service(self, name: str, changes: Mapping[str, object]) -> ServiceInfo:
        """Change what `changes` names of a service, and leave all else as it is (admin).

        Secrets that are not named stay; None takes a field away. `auth` has fields of the service's auth type.
        """
        return self._call(services.patch_service(name, changes))

    def remove_service(self, name: str) -> None:
        """Delete a service and its credential (admin)."""
        self._call(services.remove_service(name))

    def test_service(self, name: str, path: str = "/", *, timeout: float | httpx.Timeout | None = None) -> ServiceTest:
        """Send a GET for `path` to an API, and say whether it took the credential.

        The body of its answer is not read. An answer raises nothing, whatever it is, the vault's own included.
        """
        return self._head(services.call_to_test(name, path), timeout)
