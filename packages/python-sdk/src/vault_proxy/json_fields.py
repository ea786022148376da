"""Fields of the vault's JSON answers; each function raises `ValueError` when the answer is not as it must be."""

from __future__ import annotations


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
