"""Where the vault listens: what the caller or the environment says, checked before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ADDRESS = "http://127.0.0.1:8390"
_UNIX_SCHEME = "unix:"
_MAX_PORT = 65_535

# What is told again of an address that is none: a host and its port, in which nobody writes a secret.
_HOST_AND_PORT = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?", re.ASCII)


@dataclass(frozen=True)
class VaultAddress:
    """A checked address.

    `origin` is scheme, host and port; `base_path` is empty or starts with `/` and does not end in one.
    `socket_path` is set for a unix socket only, and `origin` is then a stand-in for the `Host` header.
    `may_use_egress_proxy` says whether `HTTPS_PROXY` applies: never to this machine, where it would capture the token,
    nor to plaintext, where a forward proxy is given a normalised path. `source` is where it was read, None for the
    default.
    """

    origin: str
    base_path: str = ""
    socket_path: str | None = None
    may_use_egress_proxy: bool = False
    source: str | None = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.origin}{self.base_path}" if self.socket_path is None else f"{_UNIX_SCHEME}{self.socket_path}"


def resolve_address(addr: str | None, environment: Mapping[str, str], *, allow_insecure: bool = False) -> VaultAddress:
    """Read the address from the argument, else `VAULT_PROXY_SOCK`, else `VAULT_ADDR`, else the default.

    What is empty counts as not given. Raises `TypeError` for what is no text, and `ValueError` for what is no address
    of a vault, and for plaintext HTTP to a host that is not loopback unless `allow_insecure`: the token and every
    answer would cross the network in the clear.
    """
    if addr is not None and not isinstance(addr, str):
        raise TypeError(f"addr is text, such as {DEFAULT_ADDRESS!r} or 'unix:/path/to.sock', not {type(addr).__name__}")
    if addr:
        return _read(addr, "addr=", allow_insecure=allow_insecure)
    if socket_path := environment.get("VAULT_PROXY_SOCK"):
        return _socket_address(socket_path.removeprefix(_UNIX_SCHEME), "VAULT_PROXY_SOCK")
    if text := environment.get("VAULT_ADDR"):
        return _read(text, "VAULT_ADDR", allow_insecure=allow_insecure)
    return VaultAddress(DEFAULT_ADDRESS)


def _read(text: str, source: str, *, allow_insecure: bool) -> VaultAddress:
    if text.startswith(_UNIX_SCHEME):
        return _socket_address(text.removeprefix(_UNIX_SCHEME), source)
    return replace(_http_address(text, source, allow_insecure=allow_insecure), source=source)


def _socket_address(path: str, source: str) -> VaultAddress:
    # unix:///run/vault.sock is the URL spelling of unix:/run/vault.sock
    socket_path = path[2:] if path.startswith("///") else path
    if not socket_path or "\0" in socket_path:
        raise ValueError(f"the vault's address ({source}) names no unix socket: write unix:/path/to.sock")
    return VaultAddress(origin="http://localhost", socket_path=socket_path, source=source)


def _http_address(text: str, source: str, *, allow_insecure: bool) -> VaultAddress:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(f"the vault's address ({source}) is not a URL{_meant(text)}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"the vault's address ({source}) must start with http://, https:// or unix:{_meant(text)}")
    if url.userinfo or url.query or url.fragment:
        raise ValueError(f"the vault's address ({source}) must have no user name, query or fragment")
    if url.port is not None and not 0 < url.port <= _MAX_PORT:
        raise ValueError(f"the vault's address ({source}) has no port from 1 to {_MAX_PORT}")
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


def _meant(text: str) -> str:
    """Say what to write instead, where that shows of the text, and nothing of a text that may be a secret."""
    if text != text.strip():
        return " (without the space or the line end around it)"
    if text.startswith("tok_"):
        return " (this is a token, which is given as token=)"
    if text.startswith(("/", "./", "~")):
        return " (of a unix socket unix:/path/to.sock, with the whole path)"
    if not (found := _HOST_AND_PORT.fullmatch(text)):
        return ""
    return f" (write {'http' if is_loopback_host(found[1].strip('[]')) else 'https'}://{text})"


def is_loopback_host(host: str) -> bool:
    """Whether a URL's host (no brackets) can only be this machine: `localhost` or a loopback address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
