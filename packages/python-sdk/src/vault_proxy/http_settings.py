"""What both clients make their connections with."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

import httpx

from vault_proxy.address import VaultAddress

# As many calls at a time as the vault allows a token; httpx's own 100 would let streams keep others waiting.
_LIMITS = httpx.Limits(max_connections=1024, max_keepalive_connections=20)


@dataclass(frozen=True)
class HttpSettings:
    """Where the vault is, and how it is talked to."""

    address: VaultAddress
    timeout: httpx.Timeout
    ssl_context: ssl.SSLContext | None

    def client_options(self) -> dict[str, Any]:
        """Give the options of httpx's clients; redirects are the caller's, whose request they would change."""
        return {
            "timeout": self.timeout,
            "follow_redirects": False,
            "trust_env": self.address.may_use_egress_proxy,
            "verify": self._trust(),
            "limits": _LIMITS,
        }

    def _trust(self) -> ssl.SSLContext | bool:
        if self.ssl_context is not None:
            return self.ssl_context
        # Reading the public CAs takes longer than a call. Plaintext needs none: it gets a context that trusts nobody.
        return self.address.origin.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def socket_options(self) -> dict[str, Any] | None:
        """Give the options of httpx's transports for a unix socket; None for any other address."""
        if self.address.socket_path is None:
            return None
        return {"uds": self.address.socket_path, "verify": self._trust(), "limits": _LIMITS}


def checked_trust(ssl_context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """Give the context. Raises `TypeError` for what is none, such as the path of a certificate."""
    if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
        raise TypeError(
            "ssl_context is an ssl.SSLContext, such as ssl.create_default_context(cafile=...): "
            f"not {type(ssl_context).__name__}"
        )
    return ssl_context
