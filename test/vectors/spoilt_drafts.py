"""Ways to spoil one thing of a vault that is otherwise sealed as it should be."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from write_vault import Sealer

__all__: list[str] = []


def header_with(**changes: object) -> dict[str, Any]:
    return {"header": lambda header: {**header, **changes}}


def header_without(name: str) -> dict[str, Any]:
    return {"header": lambda header: {key: value for key, value in header.items() if key != name}}


def slot_with(which: int, **changes: object) -> dict[str, Any]:
    def change(header: dict[str, Any]) -> dict[str, Any]:
        slots = [{**slot, **changes} if index == which else slot for index, slot in enumerate(header["slots"])]
        return {**header, "slots": slots}

    return {"header": change}


def slot_without(which: int, name: str) -> dict[str, Any]:
    def change(header: dict[str, Any]) -> dict[str, Any]:
        del header["slots"][which][name]
        return header

    return {"header": change}


def slots(change: Callable[[list[Any]], object]) -> dict[str, Any]:
    return {"header": lambda header: {**header, "slots": change(header["slots"])}}


def upper_case(which: int | None, name: str) -> dict[str, Any]:
    def change(header: dict[str, Any]) -> dict[str, Any]:
        holder = header if which is None else header["slots"][which]
        holder[name] = holder[name].upper()
        return header

    return {"header": change}


def replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    def change(part: bytes) -> bytes:
        if part.count(old.encode()) != 1:
            raise ValueError(old)
        return part.replace(old.encode(), new.encode())

    return change


def state_text(old: str, new: str) -> dict[str, Any]:
    return {"state": replaced(old, new)}


def more_lines(*lines: str) -> dict[str, Any]:
    return {"lines": lambda before: [*before, *(line.encode() for line in lines)]}


def last_line(old: bytes, new: bytes) -> dict[str, Any]:
    return {"lines": lambda lines: [*lines[:-1], lines[-1].replace(old, new)]}


def first_line(text: str) -> dict[str, Any]:
    return {"lines": lambda lines: [text.encode(), *lines[1:]]}


def setting(value: str) -> dict[str, Any]:
    return more_lines(f'["settings","x",{value}]')


def bound(change: Callable[[Sealer, list[bytes]], list[bytes]]) -> dict[str, Any]:
    return {"bound": change}


def after_end(change: Callable[[Sealer, list[bytes]], list[bytes]]) -> dict[str, Any]:
    return {"segments": change}


def with_length(segment: bytes, length: int) -> bytes:
    return length.to_bytes(4, "big") + segment[4:]


def end_bytes(start: int, new: bytes) -> dict[str, Any]:
    return {"end": lambda plaintext: plaintext[:start] + new + plaintext[start + len(new) :]}


def flipped(segment: int, offset: int) -> dict[str, Any]:
    """Flip one bit of a finished segment."""

    def change(_sealer: Sealer, segments: list[bytes]) -> list[bytes]:
        changed = bytearray(segments[segment])
        changed[offset] ^= 1
        return [bytes(changed) if one is segments[segment] else one for one in segments]

    return after_end(change)
