"""Commands, files and terminals of servers by SSH."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import httpx

from vault_proxy.json_fields import integer_field, json_object, text_field
from vault_proxy.operations.answers import checked_success, json_reader
from vault_proxy.operations.operation import Operation, given
from vault_proxy.request_target import check_service_name
from vault_proxy.service_info import ServiceInfo
from vault_proxy.ssh_exec import ExecEvents, SshExecResult, exec_result

if TYPE_CHECKING:
    from vault_proxy.address import VaultAddress

_DEFAULT_COMMAND_SECONDS = 30
# Beside the command's own time: the vault connects, logs in, and ends what does not end by itself.
_AROUND_COMMAND_SECONDS = 45

_MODE = re.compile(r"[0-7]{3,4}", re.ASCII)


def ssh_exec(
    service: str, command: str, *, timeout: float | None, stdin: str | bytes | None
) -> Operation[SshExecResult]:
    """Run a command, for its whole output."""
    body = _exec(command, timeout, stdin)
    return Operation("POST", _target(service, "exec"), json_reader(exec_result), body=body, service=service)


def ssh_exec_stream(
    service: str, command: str, events: ExecEvents, *, timeout: float | None, stdin: str | bytes | None
) -> Operation[httpx.Response]:
    """Run a command, for the lines of its output, which `events` reads."""

    def begin(response: httpx.Response) -> httpx.Response:
        events.request_id = response.headers.get("x-vault-request-id")
        return checked_success(response)

    headers = (("accept", "application/x-ndjson"),)
    body = _exec(command, timeout, stdin)
    return Operation("POST", _target(service, "exec"), begin, headers, body=body, service=service)


def exec_timeout(own: httpx.Timeout, timeout: float | None) -> httpx.Timeout:
    """Give the client's time limits, but with as much patience as the command may take."""
    seconds = (_DEFAULT_COMMAND_SECONDS if timeout is None else timeout) + _AROUND_COMMAND_SECONDS
    read = None if own.read is None else max(own.read, seconds)
    return httpx.Timeout(connect=own.connect, read=read, write=own.write, pool=own.pool)


def ssh_upload(service: str, remote_path: str, content: BinaryIO, *, mode: int | str | None) -> Operation[int]:
    """Write a file at a server, for the number of its bytes. Raises `ValueError` for what is no mode."""

    def read(answer: object) -> int:
        fields = json_object(answer)
        text_field(fields, "remote_path")
        return integer_field(fields, "bytes")

    fields = {"remote_path": remote_path, **({} if mode is None else {"mode": _octal(mode)})}
    files = {"file": ("file", content, "application/octet-stream")}
    body = {"data": fields, "files": files}
    return Operation("POST", _target(service, "upload"), json_reader(read), body=body, service=service)


def ssh_download(service: str, remote_path: str) -> Operation[httpx.Response]:
    """Read a file at a server."""
    body = {"json": {"remote_path": remote_path}}
    return Operation("POST", _target(service, "download"), checked_success, body=body, service=service)


def ssh_session_url(address: VaultAddress, service: str, *, cols: int | None, rows: int | None) -> str:
    """Say where a terminal is opened by WebSocket; a unix socket as `ws+unix:<path>:<request target>`."""
    query = "&".join(f"{name}={int(size)}" for name, size in (("cols", cols), ("rows", rows)) if size is not None)
    target = _target(service, "session") + (f"?{query}" if query else "")
    if address.socket_path is not None:
        return f"ws+unix:{address.socket_path}:{target}"
    return f"ws{address.origin.removeprefix('http')}{address.base_path}{target}"


def set_host_key(name: str, host_key: str) -> Operation[ServiceInfo]:
    """Pin the host key of a server; an admin token is needed."""
    body = {"json": {"host_key": host_key}}
    return Operation("PUT", _host_key_target(name), json_reader(ServiceInfo.from_json), body=body)


def clear_host_key(name: str) -> Operation[ServiceInfo]:
    """Forget the host key of a server; an admin token is needed."""
    return Operation("DELETE", _host_key_target(name), json_reader(ServiceInfo.from_json))


def _target(service: str, action: str) -> str:
    check_service_name(service)
    return f"/ssh/{service}/{action}"


def _host_key_target(name: str) -> str:
    check_service_name(name)
    return f"/services/{name}/host-key"


def _exec(command: str, timeout: float | None, stdin: str | bytes | None) -> dict[str, Any]:
    fields = {
        "command": command,
        "timeout": timeout,
        "stdin": stdin if isinstance(stdin, str) else None,
        "stdin_base64": base64.b64encode(stdin).decode() if isinstance(stdin, bytes) else None,
    }
    return {"json": given(fields)}


def _octal(mode: int | str) -> str:
    text = f"{mode:04o}" if isinstance(mode, int) else mode
    if not _MODE.fullmatch(text):
        raise ValueError("a mode has three or four octal digits: 0o644 or '0644'")
    return text
