"""The reader of docs/vault-format.md against the vaults beside it: `pytest test/vectors`."""

# ruff: noqa: D103, PLR2004, S101, S603 - tests

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable  # noqa: TC003
from pathlib import Path
from random import Random
from typing import Any

import make_vectors
import opening_vaults
import pytest
import read_vault
import spoilt_drafts
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from read_vault import MAGIC, NewerFormat, Refused, Vault, open_vault, parse_recovery_key
from write_vault import Draft, recovery_key_text, write_vault

HERE = Path(__file__).parent
VAULTS: list[dict[str, Any]] = json.loads((HERE / "vaults.json").read_text(encoding="utf-8"))["vaults"]
OPENING = [vault for vault in VAULTS if vault["outcome"] == "opens"]
NOT_OPENING = [vault for vault in VAULTS if vault["outcome"] != "opens"]
RECOVERABLE = [vault for vault in NOT_OPENING if vault["recovery_key"]]
PASSWORD = "an invented password"  # noqa: S105
KEY = bytes(range(20))


def name_of(vault: dict[str, Any]) -> str:
    return f"{Path(vault['file']).stem}: {vault.get('violates', 'opens')}"


def bytes_of(vault: dict[str, Any]) -> bytes:
    return Path(HERE, vault["file"]).read_bytes()


def seen_in(vault: Vault) -> dict[str, Any]:
    files = {
        name: {"mime_type": file.mime_type, "created_at": file.created_at, "size": len(file.data)}
        | {"sha256": hashlib.sha256(file.data).hexdigest()}
        for name, file in vault.files.items()
    }
    collections = make_vectors.revealed(vault.collections)
    header = {"generation": vault.generation, "created_at": vault.created_at, "slots": vault.slots}
    return {**header, "collections": collections, "files": files}


def secrets_in(vault: Vault) -> list[str]:
    return [
        place
        for collection, entries in vault.collections.items()
        for name, value in entries.items()
        for place in make_vectors.secret_places(value, f"{collection}/{name}")
    ]


@pytest.mark.parametrize("vault", OPENING, ids=name_of)
def test_opens_with_its_contents(vault: dict[str, Any]) -> None:
    for password in filter(None, (vault["password"], vault["recovery_key"])):
        opened = open_vault(bytes_of(vault), password)
        contents = dict(vault["contents"])
        secrets = contents.pop("secrets", None)
        assert seen_in(opened) == contents
        assert secrets is None or sorted(secrets_in(opened)) == sorted(secrets)
        assert "invented" not in repr([*opened.collections["services"].values(), opened.files])


def test_types_of_numbers_are_kept() -> None:
    shapes = next(vault for vault in OPENING if vault["file"] == "vaults/shapes.enc")
    kept: Any = open_vault(bytes_of(shapes), shapes["password"]).collections["settings"]
    assert json.dumps(kept["numbers"]) == json.dumps(shapes["contents"]["collections"]["settings"]["numbers"])


@pytest.mark.parametrize("vault", NOT_OPENING, ids=name_of)
def test_is_refused(vault: dict[str, Any]) -> None:
    with pytest.raises(Refused if vault["outcome"] == "refused" else NewerFormat) as answer:
        open_vault(bytes_of(vault), vault["password"])
    if vault["outcome"] == "refused":
        assert str(answer.value) == "wrong password or damaged vault file"


# The recovery key does not look at the password slot's seal, nor the password at the recovery slot's.
@pytest.mark.parametrize("vault", RECOVERABLE, ids=name_of)
def test_is_refused_with_the_recovery_key(vault: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        open_vault(bytes_of(vault), vault["recovery_key"])


RECOVERY_SLOT: dict[str, dict[str, Any]] = {
    "sealed_as_password": {"recovery_seal": b"\x10"},
    "another_slot_id": spoilt_drafts.slot_with(1, id="00" * 16),
    "another_public_key": spoilt_drafts.slot_with(1, public_key="09" + "00" * 31),
    "enc_of_low_order": spoilt_drafts.slot_with(1, enc="00" * 32),
    "another_sealed_key": spoilt_drafts.slot_with(1, sealed_key="00" * 48),
    "another_psk_in_the_state": spoilt_drafts.first_line(f'{{"state":1,"seals":2,"recovery_psk":"{"00" * 32}"}}'),
}


@pytest.mark.parametrize("changes", RECOVERY_SLOT.values(), ids=RECOVERY_SLOT)
def test_recovery_key_needs_its_slot_as_sealed(changes: dict[str, Any]) -> None:
    data = write_vault(Draft(opening_vaults.seeded("slot"), PASSWORD, recovery_key=KEY, **changes))
    with pytest.raises(Refused):
        open_vault(data, recovery_key_text(KEY))
    # The password alone cannot tell.
    assert open_vault(data, PASSWORD).slots == ["password", "recovery"]


@pytest.mark.parametrize(("count", "opens"), [(10_000, True), (10_001, False)])
def test_at_most_10_000_stored_files(count: int, opens: bool) -> None:
    files = [(str(number), "text/plain", b"") for number in range(count)]
    data = write_vault(Draft(Random(count).randbytes, PASSWORD, files=files))  # noqa: S311 - only has to be quick
    if opens:
        assert len(open_vault(data, PASSWORD).files) == count
    else:
        with pytest.raises(Refused):
            open_vault(data, PASSWORD)


def small_vault() -> bytes:
    return (HERE / "vaults" / "recovery.enc").read_bytes()


def test_every_truncation_is_refused() -> None:
    data = small_vault()
    for length in range(len(data)):
        with pytest.raises(Refused):
            open_vault(data[:length], PASSWORD)


def test_every_flipped_bit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = small_vault()
    # A file without the magic is a Go file, which costs a real derivation each time: the magic needs one bit a byte.
    flips = [(offset, bit) for offset in range(len(data)) for bit in range(8 if offset >= len(MAGIC) else 1)]
    monkeypatch.setattr(read_vault, "GO_COST", (1, 64, 1))
    newer = 0
    for offset, bit in flips:
        changed = bytearray(data)
        changed[offset] ^= 1 << bit
        try:
            open_vault(bytes(changed), PASSWORD)
        except NewerFormat:
            newer += 1
            assert data[offset - len('"format":') : offset + 1] == b'"format":1'
        except Refused:
            continue
        else:
            pytest.fail(f"bit {bit} of byte {offset} does not matter")
    assert newer == len("359")  # what one bit makes of the 1 in `"format":1`


@pytest.mark.parametrize(
    "typed",
    [
        "0123-4000-0000-0000-0000-0000-0000-0000-{check}",
        "0123400000000000000000000000000{0}{check}",
        " 0123 4000 0000 0000 0000 0000 0000 0000 {check} ",
        "oi23-4ooo-OOOO-0000-0000-0000-0000-0000-{check}",
        "OL23-4000-0000-0000-0000-0000-0000-0000-{check}",
        "0l234-000-0000--000000000000-00000-000{check}-",
    ],
)
@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_recovery_key_as_typed(typed: str, case: Callable[[str], str]) -> None:
    key = opening_vaults.OPENING["recovery-ambiguous-letters"]["recovery_key"]
    check = recovery_key_text(key)[-4:]
    text = typed.replace("{check}", check).replace("{0}", "0")
    assert parse_recovery_key(case(text)) == key
    vault = (HERE / "vaults" / "recovery-ambiguous-letters.enc").read_bytes()
    assert open_vault(vault, case(text)) == open_vault(vault, PASSWORD)


@pytest.mark.parametrize("change", [lambda text: text[1:], lambda text: text + "0", lambda text: "U" + text[1:]])
def test_no_recovery_key(change: Callable[[str], str]) -> None:
    assert parse_recovery_key(change(recovery_key_text(KEY))) is None


def test_every_changed_character_of_a_recovery_key_is_noticed() -> None:
    # 20 bits of a digest let one in a million through, none of these.
    text = recovery_key_text(KEY)
    for place in (place for place, character in enumerate(text) if character != "-"):
        for other in set(read_vault.CROCKFORD) - {text[place]}:
            assert parse_recovery_key(text[:place] + other + text[place + 1 :]) is None


def test_hpke_known_answer() -> None:
    known = json.loads((HERE / "known-answers" / "hpke-psk-x25519-aes256gcm.json").read_text(encoding="utf-8"))
    parts = {name: bytes.fromhex(value) for name, value in known.items() if name in {"enc", "info", "psk", "psk_id"}}
    private_key = X25519PrivateKey.from_private_bytes(bytes.fromhex(known["skRm"]))
    shared = private_key.exchange(X25519PublicKey.from_public_bytes(parts["enc"]))
    enc_and_public = parts["enc"] + private_key.public_key().public_bytes_raw()
    key, nonce = read_vault.psk_context(shared, enc_and_public, parts["info"], parts["psk"], parts["psk_id"])
    first = {name: bytes.fromhex(known["encryptions"][0][name]) for name in ("aad", "ct", "pt")}
    assert AESGCM(key).decrypt(nonce, first["ct"], first["aad"]) == first["pt"]


@pytest.mark.parametrize("name", sorted(opening_vaults.OPENING.keys() - {"full-cost"}))
def test_vectors_are_what_make_vectors_writes(name: str) -> None:
    draft = Draft(opening_vaults.seeded(name), **{"password": PASSWORD, **opening_vaults.OPENING[name]})
    assert write_vault(draft) == (HERE / "vaults" / f"{name}.enc").read_bytes()


def test_command() -> None:
    def run(vault: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(HERE / "read_vault.py"), str(HERE / "vaults" / vault), *options]
        return subprocess.run(command, input=f"{PASSWORD}\nmore", capture_output=True, encoding="utf-8", check=False)

    told = run("every-collection.enc")
    assert json.loads(told.stdout)["files"]["100-kb.bin"] == 102_400
    assert "invented-" not in told.stdout
    assert "sk-invented-1" in run("every-collection.enc", "--show-secrets").stdout
    refused = run("refused/magic.enc")
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", "wrong password or damaged vault file\n")
