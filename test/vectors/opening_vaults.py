"""What stands in the vaults that open, and in those that a test spoils."""

from __future__ import annotations

import hashlib
from collections.abc import Callable  # noqa: TC003
from typing import Any

from read_vault import Secret
from write_vault import Cost

__all__: list[str] = []

PASSWORD = "an invented password"  # noqa: S105
TIME = "2026-01-31T12:00:00.000Z"
TOKEN_DIGEST = hashlib.sha256(b"tok_invented").hexdigest()
RECOVERY_KEY = hashlib.sha256(b"an invented recovery key").digest()[:20]
OTHER_RECOVERY_KEY = hashlib.sha256(b"another recovery key").digest()[:20]
Service = tuple[str, str, dict[str, object]]


def seeded(name: str) -> Callable[[int], bytes]:
    """Return a source of bytes that look random and are always the same."""
    taken = 0

    def take(length: int) -> bytes:
        nonlocal taken
        taken += length
        return hashlib.shake_256(name.encode()).digest(taken)[-length:]

    return take


def service(name: str, auth: dict[str, object], **settings: object) -> Service:
    base: dict[str, object] = {
        "name": name,
        "base_url": f"https://{name}.example.com",
        "tls_skip_verify": False,
        "session_cookies": False,
        "allow_private": False,
        "forward_cookies": False,
    }
    return "services", name, {**base, **settings, "auth": auth}


def secrets(**values: str) -> dict[str, object]:
    return {name: Secret(value) for name, value in values.items()}


BEARER = service("bearer", {"type": "bearer", "token": Secret("sk-invented-1")})
SERVICES = [
    BEARER,
    service("header", {"type": "header", "header_name": "x-api-key", "header_value": Secret("invented-2")}),
    service("headers", {"type": "headers", "headers": secrets(**{"X-Key": "invented-3", "$odd": "invented-4"})}),
    service(
        "basic", {"type": "basic", "username": Secret("user"), "password": Secret("")}, description="Käse & <Brot> 🧀"
    ),
    service("url", {"type": "url", "token": Secret("1:invented")}, base_url="https://url.example.com/bot{token}"),
    service("query", {"type": "query", "params": secrets(key="invented-5")}, headers={"accept": "text/plain"}),
]
TOKEN = (
    "tokens",
    TOKEN_DIGEST,
    {"digest": TOKEN_DIGEST, "id_prefix": "tok_invented", "scope": "proxy", "name": "agent", "created_at": TIME}
    | {"expires_at": "2126-01-31T12:00:00.000Z"},
)
FILES = [
    ("empty.bin", "application/octet-stream", b""),
    ("key.json", "application/json", b'{"private_key":"invented"}\n'),
    ("Schlüssel 🔑.txt", "text/plain", "naïve".encode()),
    ("100-kb.bin", "application/octet-stream", hashlib.shake_256(b"100 KB").digest(102_400)),
]
TWO_FILES = [("a.txt", "text/plain", b"the first"), ("b.txt", "text/plain", b"the other")]


def nested(depth: int) -> dict[str, object]:
    inner: dict[str, object] = {}
    for _ in range(depth - 1):
        inner = {"in": inner}
    return inner


SHAPES: list[tuple[str, str, object]] = [
    ("settings", "dollars", {"$a": 1, "$$b": 2, "$": 3, "$secret": "not one", "plain": Secret("$$one")}),
    ("settings", "in lists", {"list": [Secret("invented-6"), [{"$x": [Secret("")]}], None, True, False, "", []]}),
    ("settings", "numbers", {"list": [0, -1, 1.5, 1e-7, 1e21, 2**53 - 1, 0.1, -0.25]}),
    ("settings", "nested", nested(63)),
    ("settings", "__proto__", {"__proto__": {"admin": True}, "constructor": {"prototype": {}}, "toString": 1}),
    ("settings", 'line\nbreak \u2028 \u0000 \\ " / \x7f', {"combining e\u0301": "e\u0301 is not é", "": "👩\u200d💻"}),
    ("settings", "empty", {}),
    ("settings", "", {"of": "the empty name"}),
    ("policies", "constructor", {"allow": ["GET /**"]}),
]

OPENING: dict[str, dict[str, Any]] = {
    "empty": {},
    "one-service": {"entries": [BEARER]},
    "every-collection": {"entries": [*SERVICES, TOKEN], "files": FILES, "generation": 7},
    "shapes": {"entries": SHAPES},
    "other-order": {
        "entries": [SHAPES[0], TOKEN, *SERVICES[::-1]],
        "files": TWO_FILES,
        "bound": lambda _, parts: [parts[0], *parts[:0:-1]],
    },
    "unicode-password": {"entries": [BEARER], "password": "pass\u0301wörd 🔐 \u1e9b\u0323 end "},
    "recovery": {"entries": [BEARER, TOKEN], "files": TWO_FILES, "recovery_key": RECOVERY_KEY, "generation": 3},
    "recovery-ambiguous-letters": {"entries": [BEARER], "recovery_key": bytes([0, 0x44, 0x32]) + bytes(17)},
    "full-cost": {"entries": [BEARER], "cost": Cost(65_536, 3, 4)},
    "most-passes-and-lanes": {"entries": [BEARER], "cost": Cost(128, 64, 16)},
    "least-memory": {"entries": [BEARER], "cost": Cost(8, 1, 1)},
    "great-generation": {"entries": [BEARER], "generation": 2**53 - 2},
    "longest-header": {"entries": [BEARER], "header_json": lambda header: header + b" " * (65_536 - len(header))},
}


def go_service(name: str, kind: str, **settings: object) -> dict[str, object]:
    auth = settings.pop("auth")
    if not isinstance(auth, dict):
        raise TypeError
    return {"name": name, "base_url": f"https://{name}.example.com", "auth": {"type": kind, **auth}, **settings}


GO_FILES = {
    "empty": {"name": "empty", "mime_type": "text/plain", "data": ""},
    "host-key.pem": {"name": "host-key.pem", "mime_type": "application/x-pem-file", "data": "aW52ZW50ZWQga2V5Cg=="},
    "nil": {"name": "nil", "mime_type": "application/octet-stream", "data": None},
    "sa.json": {"name": "sa.json", "mime_type": "application/json", "data": "eyJrZXkiOiJpbnZlbnRlZCJ9"},
}
GO_OAUTH2 = {
    "client_id": "id", "client_secret": "invented-secret", "refresh_token": "invented-refresh",
    "token_url": "https://oauth.example.com/token", "access_token": "invented-access",
    "expires_at": "2026-01-31T13:00:00Z", "scopes": ["read", "write"],
}  # fmt: skip
GO_SERVICE_ACCOUNT = {
    "file_ref": "sa.json", "sa_scopes": ["https://www.example.com/auth/cloud"],
    "sa_token_url": "https://sa.example.com/token", "sa_access_token": "invented-sa",
    "sa_expires_at": "2026-01-31T13:00:00Z",
}  # fmt: skip
GO_SSH = {
    "ssh_host": "ssh.example.com", "ssh_port": 22, "ssh_user": "deploy", "ssh_key_file_ref": "host-key.pem",
    "ssh_key_passphrase": "invented-passphrase", "ssh_host_key": "ssh-ed25519 AAAAinvented",
    "ssh_allowed_commands": ["uptime", "df -h"],
}  # fmt: skip


def go_server(kind: str, port: int, **more: object) -> dict[str, object]:
    named = {"host": f"{kind}.example.com", "port": port, **more, "password": f"invented-{kind}"}
    return {f"{kind}_{name}": value for name, value in named.items()}


GO_SERVICES = [
    go_service("bearer", "bearer", auth={"token": "sk-<invented>&1"}, tls_skip_verify=True),
    go_service("header", "header", auth={"header_name": "X-Api-Key", "header_value": "invented-2"}),
    go_service("basic", "basic", auth={"username": "user", "password": "invented \u2028 3"}, session_cookies=True),
    go_service("url", "url", auth={"token": "1:invented"}) | {"base_url": "https://url.example.com/bot{token}"},
    go_service("oauth2", "oauth2_client", auth=GO_OAUTH2),
    go_service("sa", "service_account", auth=GO_SERVICE_ACCOUNT),
    go_service("ssh", "ssh_key", auth=GO_SSH),
    go_service("imap", "imap", auth=go_server("imap", 993, user="me@example.com", tls=True)),
    go_service("smtp", "smtp", auth=go_server("smtp", 587, user="me@example.com", tls=True)),
    go_service("redis", "redis", auth=go_server("redis", 6379, username="default", db=1, tls=False)),
    go_service("postgres", "postgres", auth=go_server("postgres", 5432, user="app", db="app", tls=True)),
]
GO_OPENING: dict[str, Any] = {
    "go": {"services": {str(one["name"]): one for one in sorted(GO_SERVICES, key=lambda one: str(one["name"]))}}
    | {"files": GO_FILES},
    "go-null": {"services": None, "files": None},
}


# One change each, to a vault that is right otherwise.
