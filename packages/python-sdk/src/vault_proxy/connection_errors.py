"""What httpx's exceptions say when no answer of the vault comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from vault_proxy.address import VaultAddress


def name_vault(error: httpx.TransportError, address: VaultAddress) -> None:
    """Put the vault's address into an exception's text, which by itself does not say what was tried to be reached."""
    where = address.socket_path or address.origin
    what = "cannot connect to" if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else "no answer from"
    error.args = (f"{what} the vault at {where}: {str(error) or type(error).__name__}",)
