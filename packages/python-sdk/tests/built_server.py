"""The built vault-server, as a process of a test."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vault_proxy import VaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")

SERVER = Path(__file__).parents[2] / "server" / "dist" / "main.js"


@contextmanager
def serve_vault(directory: Path) -> Iterator[str]:
    """Give the address of a server that keeps its vault in `directory`, and see that it ends well."""
    node = shutil.which("node")
    assert node is not None, "node is needed to run the vault-server"
    assert SERVER.exists(), f"{SERVER} is not built: run `npm run build` at the root"
    command = [node, str(SERVER), "--listen", "127.0.0.1:0", "--data-dir", str(directory), "--log-format", "json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            yield _listening_address(server.stderr)
        finally:
            server.terminate()
            server.communicate(timeout=15)
        assert server.returncode == 0


def in_turn(call: Callable[[], Result]) -> Result:
    """Do what the vault's limit on guesses at passwords holds back, as soon as it lets it."""
    for _ in range(50):
        try:
            return call()
        except VaultError as error:
            if error.code != "rate_limited":
                raise
            time.sleep(0.1)
    raise AssertionError("the limit on guesses at passwords did not pass")


def _listening_address(log: Iterator[str]) -> str:
    seen = []
    for line in log:
        seen.append(line)
        said = json.loads(line).get("msg", "") if line.startswith("{") else ""
        if said.startswith("listening on "):
            return str(said.removeprefix("listening on "))
    raise AssertionError("vault-server did not start:\n" + "".join(seen))
