"""Read a vault file without the server: `python read_vault.py vault.enc`.

Written from docs/vault-format.md alone, with its words, to show that the page says enough.
"""

from __future__ import annotations

import argparse
import base64
import getpass
import hashlib
import hmac
import json
import re
import sys
from collections.abc import Callable  # noqa: TC003
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

__all__ = ["NewerFormat", "Refused", "Secret", "StoredFile", "Vault", "open_vault", "parse_recovery_key"]

MAGIC, FORMAT = b"VLTPRX1\n", 1
LONGEST_HEADER, LONGEST_FILE, MOST_STORED_FILES = 65_536, 512 * 1024 * 1024, 10_000
SHORTEST_SEGMENT, LONGEST_SEGMENT = 45, 268_435_456 + 45
STATE, FILE, END = 1, 2, 255
TYPE, ID = 4, slice(5, 21)  # where they are in a segment, its length field included
PASSWORD_SEAL, RECOVERY_SEAL = b"\x10", b"\x11"
MOST_KIB, MOST_PASSES, MOST_LANES, LEAST_KIB_A_LANE = 1_048_576, 64, 16, 8
MOST_KIB_TIMES_PASSES = 4_194_304
DEEPEST, GREATEST_NUMBER = 64, 2**64 - 1
KEM_SUITE, HPKE_SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
CROCKFORD, RECOVERY_KEY_CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 36
GO_COST, SHORTEST_GO_FILE = (3, 65_536, 4), 16 + 12 + 16
RFC_3339 = r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
Kind = TypeVar("Kind")


class Refused(Exception):  # noqa: N818 - an answer, not a defect
    """The one answer for everything that is not as the page says."""


class NewerFormat(Exception):  # noqa: N818 - an answer, not a defect
    """The vault was written in a format that this reader does not know."""


@dataclass(frozen=True)
class Secret:
    """A secret value; printing it shows nothing."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class StoredFile:
    """A file in the vault; one of the Go server has no creation time."""

    mime_type: str
    created_at: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Vault:
    """All that a vault holds; a Go server's has generation 0, no creation time and no slots."""

    generation: int
    created_at: str
    slots: list[str]
    collections: dict[str, dict[str, object]]
    files: dict[str, StoredFile]


def require(condition: bool) -> None:
    # open_vault makes its one answer of every ValueError.
    if not condition:
        raise ValueError


def parse_json(source: bytes) -> object:
    def distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
        require(len(dict(pairs)) == len(pairs))
        return dict(pairs)

    # Python alone takes NaN and Infinity for JSON.
    return json.loads(source.decode("utf-8"), object_pairs_hook=distinct, parse_constant=lambda _: require(False))


def an(kind: type[Kind], value: object) -> Kind:
    if not isinstance(value, kind):
        raise ValueError
    return value


text = partial(an, str)


def members(value: object, **readers: Callable[[object], object]) -> dict[str, Any]:
    found = an(dict, value)
    require(found.keys() == readers.keys())
    return {name: read(found[name]) for name, read in readers.items()}


def exactly(pattern: str) -> Callable[[object], str]:
    return lambda value: text(an(re.Match, re.fullmatch(pattern, text(value), re.ASCII))[0])


def hexadecimal(length: int) -> Callable[[object], bytes]:
    return lambda value: bytes.fromhex(exactly(f"[0-9a-f]{{{2 * length}}}")(value))


def time(value: object) -> str:
    date.fromisoformat(text(value)[: len("2026-01-31")])
    return exactly(RFC_3339)(value)


def number(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        # JSON has one kind of number, so that 1.0 is 1; Python's True is none.
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most or value % 1:
            raise ValueError
        return int(value)

    return read


def argon2id(password: str, salt: bytes, passes_memory_lanes: tuple[int, int, int]) -> bytes:
    return hash_secret_raw(password.encode("utf-8"), salt, *passes_memory_lanes, 32, Type.ID, version=0x13)


def parse_recovery_key(typed: str) -> bytes | None:
    """Return the 20 bytes of a recovery key, or None if this is not the text of one."""
    characters = typed.upper().translate(str.maketrans("OIL", "011", " -"))
    # Only ASCII: Python's upper() makes an I of a dotless i.
    if not typed.isascii() or len(characters) != RECOVERY_KEY_CHARACTERS or not set(characters) <= set(CROCKFORD):
        return None
    bits = int(characters.translate(str.maketrans(CROCKFORD, "0123456789ABCDEFGHIJKLMNOPQRSTUV")), 32)
    key = (bits >> 20).to_bytes(20, "big")
    check = hashlib.sha256(b"vault-proxy recovery key" + key).digest()
    return key if int.from_bytes(check[:3], "big") >> 4 == bits & 0xFFFFF else None


def labeled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label + material, "sha256")


def labeled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(SHA256(), length, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info).derive(key)


def psk_context(diffie_hellman: bytes, enc_and_public: bytes, info: bytes, psk: bytes, psk_id: bytes) -> list[bytes]:
    """Return key and base nonce of a context in mode_psk; the first message has the base nonce."""
    kem_key = labeled_extract(KEM_SUITE, b"", b"eae_prk", diffie_hellman)
    shared_secret = labeled_expand(KEM_SUITE, kem_key, b"shared_secret", enc_and_public, 32)
    context = b"\x01" + labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", psk_id)
    context += labeled_extract(HPKE_SUITE, b"", b"info_hash", info)
    secret = labeled_extract(HPKE_SUITE, shared_secret, b"secret", psk)
    return [labeled_expand(HPKE_SUITE, secret, label, context, n) for label, n in ((b"key", 32), (b"base_nonce", 12))]


def recovery_secrets(recovery_key: bytes, vault_id: bytes) -> tuple[X25519PrivateKey, bytes]:
    infos = b"vault-proxy recovery key pair", b"vault-proxy recovery psk"
    material, psk = (HKDF(SHA256(), 32, vault_id, info).derive(recovery_key) for info in infos)
    key = labeled_extract(KEM_SUITE, b"", b"dkp_prk", material)
    return X25519PrivateKey.from_private_bytes(labeled_expand(KEM_SUITE, key, b"sk", b"", 32)), psk


def read_slots(value: object) -> list[dict[str, Any]]:
    password, *recovery = an(list, value)
    require(len(recovery) <= 1)
    slots = [members(
        password, id=hexadecimal(16), kind=exactly("password"), kdf=exactly("argon2id"), m_kib=number(0, MOST_KIB),
        t=number(1, MOST_PASSES), p=number(1, MOST_LANES), salt=hexadecimal(16), nonce=hexadecimal(12),
        sealed_key=hexadecimal(48),
    )]  # fmt: skip
    slots += [members(
        slot, id=hexadecimal(16), kind=exactly("recovery"), hpke=exactly("psk-x25519-hkdf-sha256-aes-256-gcm"),
        public_key=hexadecimal(32), enc=hexadecimal(32), sealed_key=hexadecimal(48),
    ) for slot in recovery]  # fmt: skip
    require(slots[0]["m_kib"] >= LEAST_KIB_A_LANE * slots[0]["p"])
    require(slots[0]["m_kib"] * slots[0]["t"] <= MOST_KIB_TIMES_PASSES)
    return slots


def read_header(source: bytes) -> dict[str, Any]:
    header = an(dict, parse_json(source))
    version = header.get("format")
    if isinstance(version, int | float) and version > FORMAT:
        raise NewerFormat("the vault file has a newer format")
    require(str(header.get("created_at")).endswith(("Z", "+00:00", "-00:00")))
    return members(
        header, format=number(FORMAT, FORMAT), vault_id=hexadecimal(16), generation=number(1, GREATEST_NUMBER),
        created_at=time, cipher=exactly("AES-256-GCM"), slots=read_slots,
    )  # fmt: skip


def split_segments(data: bytes) -> list[bytes]:
    segments: list[bytes] = []
    start = 0
    while start < len(data) and len(segments) <= MOST_STORED_FILES + 2:
        end = start + 4 + int.from_bytes(data[start : start + 4], "big")
        require(SHORTEST_SEGMENT <= end - start - 4 <= LONGEST_SEGMENT and end <= len(data))
        segments.append(data[start:end])
        start = end
    files = len(segments) - 2
    require(files <= MOST_STORED_FILES and [part[TYPE] for part in segments] == [STATE] + [FILE] * files + [END])
    return segments


def open_data_key(header: dict[str, Any], password: str) -> tuple[bytes, bytes | None]:
    """Return the data key, and the pre-shared key if it was the recovery key that opened it."""
    slot, *recovery = header["slots"]
    vault_id: bytes = header["vault_id"]
    recovery_key = parse_recovery_key(password)
    if recovery and recovery_key is not None:
        private_key, psk = recovery_secrets(recovery_key, vault_id)
        slot_id, public, enc, sealed_key = (recovery[0][name] for name in ("id", "public_key", "enc", "sealed_key"))
        # Another key is not this vault's, but a password may look like one.
        if private_key.public_key().public_bytes_raw() == public:
            diffie_hellman = private_key.exchange(X25519PublicKey.from_public_bytes(enc))
            key, nonce = psk_context(diffie_hellman, enc + public, b"vault-proxy recovery slot", psk, slot_id)
            return AESGCM(key).decrypt(nonce, sealed_key, vault_id + slot_id + RECOVERY_SEAL), psk
    key = argon2id(password, slot["salt"], (slot["t"], slot["m_kib"], slot["p"]))
    return AESGCM(key).decrypt(slot["nonce"], slot["sealed_key"], vault_id + slot["id"] + PASSWORD_SEAL), None


def plain(value: object, depth: int = 1) -> object:
    """Return a stored value with its secrets as Secret and its other `$` names as they were."""
    if not isinstance(value, dict | list):
        return value
    require(depth <= DEEPEST)
    if isinstance(value, dict) and "$secret" in value:
        return Secret(members(value, **{"$secret": text})["$secret"])
    if isinstance(value, list):
        return [plain(item, depth + 1) for item in value]
    require(all(name.startswith("$$") or not name.startswith("$") for name in value))
    return {name.removeprefix("$"): plain(item, depth + 1) for name, item in value.items()}


def read_state(source: bytes, contents: dict[bytes, bytes]) -> tuple[bytes | None, Vault]:
    """Return the pre-shared key and the vault, without what the header says; `contents` are the files by segment."""
    first, *lines = source.split(b"\n")
    head = an(dict, parse_json(first))
    optional = {"recovery_psk": hexadecimal(32)} if "recovery_psk" in head else {}
    head = members(head, state=number(1, 1), seals=number(0, GREATEST_NUMBER), **optional)
    vault = Vault(0, "", [], {name: {} for name in ("services", "tokens", "policies", "settings")}, {})
    for line in lines:
        collection, name, value = an(list, parse_json(line))
        if text(collection) == "files":
            size = number(0, LONGEST_FILE)
            file = members(value, mime_type=text, size=size, created_at=time, segment=hexadecimal(16))
            require(text(name) not in vault.files and file["segment"] in contents)
            data = contents.pop(file["segment"])
            require(len(data) == file["size"])
            vault.files[name] = StoredFile(file["mime_type"], file["created_at"], data)
        else:
            require(collection in vault.collections and text(name) not in vault.collections[collection])
            vault.collections[collection][name] = an(dict, plain(value))
    require(not contents)
    return head.get("recovery_psk"), vault


def open_format_1(data: bytes, password: str) -> Vault:
    start = len(MAGIC) + 4
    end = start + int.from_bytes(data[len(MAGIC) : start], "big")
    require(end <= min(len(data), start + LONGEST_HEADER))
    header = read_header(data[start:end])
    segments = split_segments(data[end:])
    data_key, psk = open_data_key(header, password)
    state, *files, confirmed = (
        AESGCM(data_key).decrypt(segment[21:33], segment[33:], header["vault_id"] + segment[ID] + segment[TYPE:][:1])
        for segment in segments
    )
    *bound, _ = segments
    binding = hashlib.sha256(data[start:end]).digest() + header["generation"].to_bytes(8, "big")
    binding += len(bound).to_bytes(4, "big") + b"".join(one[ID] + hashlib.sha256(one).digest() for one in bound)
    require(confirmed == binding)
    contents = dict(zip((segment[ID] for segment in bound[1:]), files, strict=True))
    require(len(contents) == len(files))
    stored_psk, vault = read_state(state, contents)
    slots = ["password", "recovery"][: len(header["slots"])]
    require((stored_psk is not None) == ("recovery" in slots) and psk in (None, stored_psk))
    return Vault(header["generation"], header["created_at"], slots, vault.collections, vault.files)


def hide_go_secrets(value: object) -> object:
    # The Go server did not mark its secrets: every text of `auth` beside the type is taken for one.
    if isinstance(value, dict):
        return {name: item if name == "type" else hide_go_secrets(item) for name, item in value.items()}
    return Secret(value) if isinstance(value, str) else value


def open_go_file(data: bytes, password: str) -> Vault:
    require(len(data) >= SHORTEST_GO_FILE)
    plaintext = AESGCM(argon2id(password, data[:16], GO_COST)).decrypt(data[16:28], data[28:], None)
    by_name = lambda value: an(dict, {} if value is None else value)  # noqa: E731
    content = members(parse_json(plaintext), services=by_name, files=by_name)
    services: dict[str, object] = {}
    for name, service in content["services"].items():
        hidden = {"auth": hide_go_secrets(service["auth"])} if "auth" in an(dict, service) else {}
        services[name] = {**service, **hidden}
    files: dict[str, StoredFile] = {}
    for name, value in content["files"].items():
        file = members(value, name=text, mime_type=text, data=lambda data: text("" if data is None else data))
        files[name] = StoredFile(file["mime_type"], "", base64.b64decode(file["data"], validate=True))
    return Vault(0, "", [], {"services": services}, files)


def open_vault(data: bytes, password: str) -> Vault:
    """Open a vault, or a Go server's file, with its password or its recovery key."""
    try:
        require(len(data) <= LONGEST_FILE)
        return (open_format_1 if data.startswith(MAGIC) else open_go_file)(data, password)
    except (ValueError, InvalidTag, RecursionError):
        raise Refused("wrong password or damaged vault file") from None


def shown(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.value if isinstance(value, Secret) else vars(value)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print what a vault file holds, as JSON.")
    parser.add_argument("vault", type=Path)
    parser.add_argument("--show-secrets", action="store_true", help="print all of it, not names and sizes only")
    options = parser.parse_args()
    typed = getpass.getpass("Password or recovery key: ") if sys.stdin.isatty() else sys.stdin.readline()
    try:
        vault = open_vault(options.vault.read_bytes(), typed.rstrip("\r\n"))
    except (OSError, Refused, NewerFormat) as error:
        sys.exit(str(error))
    told: dict[str, object] = dict(vars(vault))
    if not options.show_secrets:
        told["collections"] = {collection: list(entries) for collection, entries in vault.collections.items()}
        told["files"] = {name: len(file.data) for name, file in vault.files.items()}
    sys.stdout.write(json.dumps(told, default=shown, indent=2) + "\n")


if __name__ == "__main__":
    main()
