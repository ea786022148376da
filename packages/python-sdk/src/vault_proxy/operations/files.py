"""Files that services refer to, such as keys of service accounts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

from vault_proxy.file_info import FileInfo
from vault_proxy.operations.answers import checked_success, json_list_reader, json_reader, read_done
from vault_proxy.operations.operation import Operation

if TYPE_CHECKING:
    import httpx

# As the vault has them: 1 to 255 characters, no separator, no control character, no half of a character.
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,255}")


def upload_file(name: str, content: BinaryIO) -> Operation[FileInfo]:
    """Store a file; an admin token is needed. Raises `ValueError` for what is no name."""
    _check_name(name)
    form = {"data": {"name": name}, "files": {"file": (name, content)}}
    return Operation("POST", "/files", json_reader(FileInfo.from_json), body=form)


def list_files() -> Operation[list[FileInfo]]:
    """Ask for the files; an admin token is needed."""
    return Operation("GET", "/files", json_list_reader(FileInfo.from_json))


def get_file(name: str) -> Operation[httpx.Response]:
    """Ask for a file's bytes; an admin token is needed. Raises `ValueError` for what is no name."""
    return Operation("GET", _target(name), checked_success)


def delete_file(name: str) -> Operation[None]:
    """Delete a file; an admin token is needed. Raises `ValueError` for what is no name."""
    return Operation("DELETE", _target(name), json_reader(read_done))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or ".." in name or name == ".":
        raise ValueError("a file's name has 1 to 255 characters, without '/', '\\', '..' and control characters")


def _target(name: str) -> str:
    _check_name(name)
    return f"/files/{quote(name, safe='')}"
