"""Fields of the vault's JSON answers; each function raises `ValueError` when the answer is not as it must be."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any


def json_object(value: object) -> dict[str, object]:
    """Give the answer, which must be an object."""
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def text_field(answer: dict[str, object], name: str) -> str:
    """Give a text that must be there."""
    value = answer.get(name)
    if not isinstance(value, str):
        raise ValueError(f"no {name}")
    return value


def optional_text_field(answer: dict[str, object], name: str) -> str | None:
    """Give a text, or None where there is none."""
    return None if answer.get(name) is None else text_field(answer, name)


def integer_field(answer: dict[str, object], name: str) -> int:
    """Give a whole number that must be there."""
    value = answer.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"no {name}")
    return value


def boolean_field(answer: dict[str, object], name: str) -> bool:
    """Give a truth value that must be there."""
    value = answer.get(name)
    if not isinstance(value, bool):
        raise ValueError(f"no {name}")
    return value


def bytes_field(answer: dict[str, object], name: str) -> bytes:
    """Give the bytes that `name`_base64 holds, or else those of the text `name`, which must be there."""
    encoded = optional_text_field(answer, f"{name}_base64")
    if encoded is None:
        # What JSON escapes may be half of a character.
        return text_field(answer, name).encode("utf-8", "replace")
    return base64.b64decode(encoded, validate=True)


def list_field(answer: dict[str, object], name: str) -> list[Any]:
    """Give a list that must be there."""
    value = answer.get(name)
    if not isinstance(value, list):
        raise ValueError(f"no {name}")
    return value


def unknown_fields(kind: type, answer: dict[str, object]) -> dict[str, Any]:
    """Give the fields that the dataclass `kind` has no place for: those of a newer vault."""
    known = {field.name for field in dataclasses.fields(kind)}
    return {key: value for key, value in answer.items() if key not in known}
