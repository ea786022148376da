"""Write vault files for make_vectors.py, right ones and ones with one thing wrong; see docs/vault-format.md.

Not for real vaults: whoever calls it chooses the "random" bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from read_vault import (
    CROCKFORD,
    END,
    FILE,
    GO_COST,
    MAGIC,
    PASSWORD_SEAL,
    RECOVERY_SEAL,
    STATE,
    Secret,
    argon2id,
    psk_context,
    recovery_secrets,
)

__all__ = ["Cost", "Draft", "Sealer", "go_json", "recovery_key_text", "write_go_file", "write_vault"]


@dataclass(frozen=True)
class Cost:
    """Argon2id cost; the default is the least there is, for quick tests."""

    m_kib: int = 64
    t: int = 1
    p: int = 1


@dataclass(frozen=True)
class Sealer:
    """The data key of a vault, and where its random bytes come from."""

    random: Callable[[int], bytes]
    vault_id: bytes
    data_key: bytes

    def segment(self, kind: int, plaintext: bytes, sealed_as: int | None = None) -> bytes:
        """Seal a segment; `sealed_as` puts another type into the additional data than into the frame."""
        segment_id, nonce = self.random(16), self.random(12)
        additional_data = self.vault_id + segment_id + bytes([kind if sealed_as is None else sealed_as])
        sealed = AESGCM(self.data_key).encrypt(nonce, plaintext, additional_data)
        content = bytes([kind]) + segment_id + nonce + sealed
        return len(content).to_bytes(4, "big") + content


def unchanged(part: Any) -> Any:  # noqa: ANN401 - bytes, a list or a header alike
    return part


@dataclass
class Draft:
    """What to write; the hooks at the end change a part before what depends on it is sealed."""

    random: Callable[[int], bytes]
    password: str
    entries: list[tuple[str, str, object]] = field(default_factory=list)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)
    recovery_key: bytes | None = None
    cost: Cost = field(default_factory=Cost)
    generation: int = 1
    created_at: str = "2026-01-31T12:00:00.000Z"
    password_seal: bytes = PASSWORD_SEAL
    recovery_seal: bytes = RECOVERY_SEAL
    header: Callable[[dict[str, Any]], dict[str, Any]] = unchanged
    header_json: Callable[[bytes], bytes] = unchanged
    lines: Callable[[list[bytes]], list[bytes]] = unchanged
    state: Callable[[bytes], bytes] = unchanged
    state_type: int | None = None
    bound: Callable[[Sealer, list[bytes]], list[bytes]] = lambda _sealer, segments: segments
    end: Callable[[bytes], bytes] = unchanged
    segments: Callable[[Sealer, list[bytes]], list[bytes]] = lambda _sealer, segments: segments
    whole: Callable[[bytes], bytes] = unchanged


def to_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def stored(value: object) -> object:
    if isinstance(value, Secret):
        return {"$secret": value.value}
    if isinstance(value, dict):
        return {f"${name}" if name.startswith("$") else name: stored(item) for name, item in value.items()}
    return [stored(item) for item in value] if isinstance(value, list) else value


def recovery_key_text(key: bytes) -> str:
    """Return a recovery key as it is printed."""
    check = hashlib.sha256(b"vault-proxy recovery key" + key).digest()
    bits = int.from_bytes(key, "big") << 20 | int.from_bytes(check[:3], "big") >> 4
    characters = "".join(CROCKFORD[bits >> shift & 31] for shift in range(175, -1, -5))
    return "-".join(characters[start : start + 4] for start in range(0, 36, 4))


def password_slot(draft: Draft, sealer: Sealer) -> dict[str, Any]:
    slot_id, salt, nonce = draft.random(16), draft.random(16), draft.random(12)
    key = argon2id(draft.password, salt, (draft.cost.t, draft.cost.m_kib, draft.cost.p))
    sealed_key = AESGCM(key).encrypt(nonce, sealer.data_key, sealer.vault_id + slot_id + draft.password_seal)
    return {
        "id": slot_id.hex(),
        "kind": "password",
        "kdf": "argon2id",
        **vars(draft.cost),
        "salt": salt.hex(),
        "nonce": nonce.hex(),
        "sealed_key": sealed_key.hex(),
    }


def recovery_slot(draft: Draft, sealer: Sealer, recovery_key: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the slot and the pre-shared key that the state keeps."""
    slot_id = draft.random(16)
    private_key, psk = recovery_secrets(recovery_key, sealer.vault_id)
    public_key = private_key.public_key()
    ephemeral = X25519PrivateKey.from_private_bytes(draft.random(32))
    enc, public = ephemeral.public_key().public_bytes_raw(), public_key.public_bytes_raw()
    key, nonce = psk_context(ephemeral.exchange(public_key), enc + public, b"vault-proxy recovery slot", psk, slot_id)
    sealed_key = AESGCM(key).encrypt(nonce, sealer.data_key, sealer.vault_id + slot_id + draft.recovery_seal)
    slot = {
        "id": slot_id.hex(),
        "kind": "recovery",
        "hpke": "psk-x25519-hkdf-sha256-aes-256-gcm",
        "public_key": public.hex(),
        "enc": enc.hex(),
        "sealed_key": sealed_key.hex(),
    }
    return slot, psk


def write_vault(draft: Draft) -> bytes:
    """Return the bytes of a vault file."""
    sealer = Sealer(draft.random, draft.random(16), draft.random(32))
    first: dict[str, object] = {"state": 1, "seals": len(draft.files) + 2}
    slots = [password_slot(draft, sealer)]
    if draft.recovery_key is not None:
        slot, psk = recovery_slot(draft, sealer, draft.recovery_key)
        slots.append(slot)
        first["recovery_psk"] = psk.hex()
    header = {
        "format": 1,
        "vault_id": sealer.vault_id.hex(),
        "generation": draft.generation,
        "created_at": draft.created_at,
        "cipher": "AES-256-GCM",
        "slots": slots,
    }
    header_json = draft.header_json(to_json(draft.header(header)))

    files = [sealer.segment(FILE, data) for _, _, data in draft.files]
    lines = [to_json(first)]
    lines += [to_json([collection, name, stored(value)]) for collection, name, value in draft.entries]
    for (name, mime_type, data), segment in zip(draft.files, files, strict=True):
        file = {
            "mime_type": mime_type,
            "size": len(data),
            "created_at": draft.created_at,
            "segment": segment[5:21].hex(),
        }
        lines.append(to_json(["files", name, file]))
    state = sealer.segment(STATE, draft.state(b"\n".join(draft.lines(lines))), draft.state_type)

    bound = draft.bound(sealer, [state, *files])
    binding = hashlib.sha256(header_json).digest() + draft.generation.to_bytes(8, "big")
    binding += len(bound).to_bytes(4, "big")
    binding += b"".join(segment[5:21] + hashlib.sha256(segment).digest() for segment in bound)
    segments = draft.segments(sealer, [*bound, sealer.segment(END, draft.end(binding))])
    return draft.whole(MAGIC + len(header_json).to_bytes(4, "big") + header_json + b"".join(segments))


def go_json(value: object) -> bytes:
    """Return JSON as encoding/json of Go escapes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8")


def write_go_file(random: Callable[[int], bytes], password: str, plaintext: bytes) -> bytes:
    """Return the bytes of a Go server's vault file."""
    salt, nonce = random(16), random(12)
    return salt + nonce + AESGCM(argon2id(password, salt, GO_COST)).encrypt(nonce, plaintext, None)
