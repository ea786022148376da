"""Write the vaults of test/vectors/vaults and vaults.json: `python make_vectors.py`.

Every byte comes from the name of the vault, so that a second run writes the same files.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from opening_vaults import BEARER, GO_OPENING, OPENING, PASSWORD, TWO_FILES, seeded
from read_vault import Secret
from refused_vaults import GO_REFUSED, NEWER, NEWER_RULE, REFUSED, WRONG_PASSWORDS
from write_vault import Draft, go_json, recovery_key_text, write_go_file, write_vault

__all__ = ["main"]

HERE = Path(__file__).parent


def secret_places(value: object, place: str) -> list[str]:
    if isinstance(value, Secret):
        return [place]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in secret_places(item, f"{place}/{key}")]


def revealed(value: object) -> object:
    if isinstance(value, Secret):
        return value.value
    if isinstance(value, dict):
        return {name: revealed(item) for name, item in value.items()}
    return [revealed(item) for item in value] if isinstance(value, list) else value


def file_summary(mime_type: str, created_at: str, data: bytes) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    return {"mime_type": mime_type, "created_at": created_at, "size": len(data), "sha256": digest}


def expected(draft: Draft) -> dict[str, object]:
    collections: dict[str, dict[str, object]] = {name: {} for name in ("services", "tokens", "policies", "settings")}
    for collection, name, value in draft.entries:
        collections[collection][name] = revealed(value)
    places = [
        place for collection, name, value in draft.entries for place in secret_places(value, f"{collection}/{name}")
    ]
    files = {name: file_summary(mime_type, draft.created_at, data) for name, mime_type, data in draft.files}
    slots = ["password", "recovery"] if draft.recovery_key else ["password"]
    header = {"generation": draft.generation, "created_at": draft.created_at, "slots": slots}
    return {**header, "collections": collections, "secrets": places, "files": files}


def expected_of_go(content: dict[str, Any]) -> dict[str, object]:
    files = {
        name: file_summary(file["mime_type"], "", base64.b64decode(file["data"] or ""))
        for name, file in (content["files"] or {}).items()
    }
    header = {"generation": 0, "created_at": "", "slots": []}
    return {**header, "collections": {"services": content["services"] or {}}, "files": files}


def main() -> None:
    """Write all of it."""
    vaults: list[dict[str, object]] = []

    def save(file: str, data: bytes, **facts: object) -> None:
        path = HERE / "vaults" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        vaults.append({"file": f"vaults/{file}", **facts})

    for name, changes in OPENING.items():
        draft = Draft(seeded(name), **{"password": PASSWORD, **changes})
        key = recovery_key_text(draft.recovery_key) if draft.recovery_key else None
        facts = {"password": draft.password, "recovery_key": key, "outcome": "opens", "contents": expected(draft)}
        save(f"{name}.enc", write_vault(draft), **facts)
    for name, content in GO_OPENING.items():
        facts = {"password": PASSWORD, "recovery_key": None, "outcome": "opens", "contents": expected_of_go(content)}
        save(f"{name}.enc", write_go_file(seeded(name), PASSWORD, go_json(content)), **facts)
    for name, password, sentence in WRONG_PASSWORDS:
        facts = {"password": password, "recovery_key": None, "outcome": "refused", "violates": sentence}
        vaults.append({"file": f"vaults/{name}.enc", **facts})

    def refuse(name: str, changes: dict[str, Any], outcome: str, sentence: str) -> None:
        base = {"password": PASSWORD, "entries": [BEARER], "files": TWO_FILES}
        draft = Draft(seeded(name), **{**base, **changes})
        key = recovery_key_text(draft.recovery_key) if draft.recovery_key else None
        facts = {"password": PASSWORD, "recovery_key": key, "outcome": outcome, "violates": sentence}
        save(f"refused/{name}.enc", write_vault(draft), **facts)

    for name, (sentence, changes) in REFUSED.items():
        refuse(name, changes, "refused", sentence)
    for name, changes in NEWER.items():
        refuse(name, changes, "newer", NEWER_RULE)
    for name, (sentence, plaintext) in GO_REFUSED.items():
        facts = {"password": PASSWORD, "recovery_key": None, "outcome": "refused", "violates": sentence}
        save(f"refused/{name}.enc", write_go_file(seeded(name), PASSWORD, plaintext), **facts)
    (HERE / "vaults.json").write_text(json.dumps({"vaults": vaults}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
