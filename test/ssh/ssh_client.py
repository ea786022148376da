"""Drives the Python SDK against a service `box`, blocking and asyncio, and prints what it saw as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from vault_proxy import AsyncVaultClient, SshExit, VaultClient, VaultError


def error_of(error: VaultError) -> list[object]:
    return [error.status_code, error.code]


def blocking(addr: str, token: str, remote: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    with VaultClient(addr, token) as vault:
        result = vault.ssh_exec("box", "cat; echo err >&2; exit 3", stdin=b"\xff\x00")
        seen["exec"] = [result.exit_code, result.stdout_bytes.hex(), result.stderr]
        stream = vault.ssh_exec_stream("box", "echo first; sleep 600")
        seen["first"] = next(stream).data.decode()  # type: ignore[union-attr]
        stream.close()
        try:
            for event in vault.ssh_exec_stream("box", "echo so far; sleep 600", timeout=0.3):
                assert not isinstance(event, SshExit)
        except VaultError as error:
            seen["timeout"] = error_of(error)
        seen["uploaded"] = vault.ssh_upload("box", remote, b"from python\n", mode=0o600)
        seen["downloaded"] = vault.ssh_download("box", remote).decode()
        seen["streamed"] = b"".join(vault.ssh_download_stream("box", remote)).decode()
        try:
            vault.ssh_download("box", f"{remote}-missing")
        except VaultError as error:
            seen["missing"] = error_of(error)
    return seen


async def asynchronous(addr: str, token: str, remote: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    async with AsyncVaultClient(addr, token) as vault:
        result = await vault.ssh_exec("box", "cat; echo err >&2; exit 3", stdin=b"\xff\x00")
        seen["exec"] = [result.exit_code, result.stdout_bytes.hex(), result.stderr]
        stream = vault.ssh_exec_stream("box", "echo first; sleep 600")
        seen["first"] = (await stream.__anext__()).data.decode()  # type: ignore[union-attr]
        await stream.aclose()
        try:
            async for event in vault.ssh_exec_stream("box", "echo so far; sleep 600", timeout=0.3):
                assert not isinstance(event, SshExit)
        except VaultError as error:
            seen["timeout"] = error_of(error)
        seen["uploaded"] = await vault.ssh_upload("box", remote, b"from python\n", mode=0o600)
        seen["downloaded"] = (await vault.ssh_download("box", remote)).decode()
        seen["streamed"] = b"".join([chunk async for chunk in vault.ssh_download_stream("box", remote)]).decode()
        try:
            await vault.ssh_download("box", f"{remote}-missing")
        except VaultError as error:
            seen["missing"] = error_of(error)
    return seen


if __name__ == "__main__":
    print(json.dumps([blocking(*sys.argv[1:]), asyncio.run(asynchronous(*sys.argv[1:]))]))
