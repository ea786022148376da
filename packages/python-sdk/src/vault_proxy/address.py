"""Where the vault listens: what the caller or the environment says, checked before anything is sent."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ADDRESS = "http://127.0.0.1:8390"
_UNIX_SCHEME = "unix:"


@dataclass(frozen=True)
class VaultAddress:
    """A checked address.

    `origin` is scheme, host and port; `base_path` is empty or starts with `/` and does not end in one.
    `socket_path` is set for a unix socket only, and `origin` is then a stand-in for the `Host` header.
    `may_use_egress_proxy` says whether `HTTPS_PROXY` applies: never to this machine, where it would capture the token,
    nor to plaintext, where a forward proxy is given a normalised path.
    """

    origin: str
    base_path: str = ""
    socket_path: str | None = None
    may_use_egress_proxy: bool = False


def resolve_address(addr: str | None, environment: Mapping[str, str], *, allow_insecure: bool = False) -> VaultAddress:
    """Read the address from the argument, else `VAULT_PROXY_SOCK`, else `VAULT_ADDR`, else the default.

    Raises `ValueError` for what is no address of a vault, and for plaintext HTTP to a host that is not loopback
    unless `allow_insecure`: the token and every answer would cross the network in the clear.
    """
    if addr is None and (socket_path := environment.get("VAULT_PROXY_SOCK")):
        return _socket_address(socket_path.removeprefix(_UNIX_SCHEME))
    chosen = addr or environment.get("VAULT_ADDR") or DEFAULT_ADDRESS
    if chosen.startswith(_UNIX_SCHEME):
        return _socket_address(chosen.removeprefix(_UNIX_SCHEME))
    return _http_address(chosen, allow_insecure=allow_insecure)


def _socket_address(path: str) -> VaultAddress:
    # unix:///run/vault.sock is the URL spelling of unix:/run/vault.sock
    socket_path = path[2:] if path.startswith("///") else path
    if not socket_path or "\0" in socket_path:
        raise ValueError("the vault's address names no unix socket: write unix:/path/to.sock")
    return VaultAddress(origin="http://localhost", socket_path=socket_path)


def _http_address(text: str, *, allow_insecure: bool) -> VaultAddress:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError("the vault's address is not a URL") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("the vault's address must start with http://, https:// or unix:")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("the vault's address must have no user name, query or fragment")
    loopback = is_loopback_host(url.host)
    if url.scheme == "http" and not loopback and not allow_insecure:
        raise ValueError(
            f"plaintext HTTP to {url.host} would show the token to the network: "
            "use https://, a tunnel to 127.0.0.1, or allow_insecure=True"
        )
    return VaultAddress(
        origin=f"{url.scheme}://{url.netloc.decode('ascii')}",
        base_path=url.raw_path.decode("ascii").rstrip("/"),
        may_use_egress_proxy=url.scheme == "https" and not loopback,
    )


def is_loopback_host(host: str) -> bool:
    """Whether a URL's host (no brackets) can only be this machine: `localhost` or a loopback address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
