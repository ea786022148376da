"""Options of other libraries' clients, so that they call an API through the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from vault_proxy.operations.operation import check_token
from vault_proxy.request_target import proxy_target

if TYPE_CHECKING:
    from vault_proxy.address import VaultAddress


class SdkOptions(TypedDict):
    """What `OpenAI(**options)`, `Anthropic(**options)` and their like take. `api_key` is the vault's token."""

    base_url: str
    api_key: str


def sdk_options(address: VaultAddress, token: str | None, service: str, path: str) -> SdkOptions:
    """Give the options for a service, with `path` between the service and what the library calls.

    Raises `ValueError` without a token, for a vault at a unix socket, which a URL cannot name, and for a bad name.
    """
    if address.socket_path is not None:
        raise ValueError("a client of another library needs a URL: let the vault listen on a loopback port as well")
    if not token:
        raise ValueError("a client of another library needs a token: give the client one first")
    target = proxy_target(service, path)
    return {"base_url": f"{address.origin}{address.base_path}{target}", "api_key": check_token(token)}
