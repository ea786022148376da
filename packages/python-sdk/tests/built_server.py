"""The built vault-server, as a process of a test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vault_proxy import VaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")

ROOT = Path(__file__).parents[3]
SERVER = ROOT / "packages" / "server" / "dist" / "main.js"
RECORDER = ROOT / "test" / "contract" / "answer-recorder.mjs"

ANSWERS = Path(tempfile.gettempdir()) / f"vault-proxy-answers-{uuid.uuid4()}"
SERVED: list[Path] = []
"""The directories of all servers of the session."""


def answer_faults() -> str:
    """Tell what the servers of this session answered that their OpenAPI document does not promise, or nothing."""
    node = shutil.which("node")
    if not SERVED or node is None:
        return ""
    command = [node, str(ROOT / "scripts" / "check-answers.mjs"), str(ANSWERS)]
    checked = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return "" if checked.returncode == 0 else checked.stdout or f"{command} failed"


@contextmanager
def serve_vault(directory: Path) -> Iterator[str]:
    """Give the address of a server that keeps its vault in `directory`, and see that it ends well.

    Its answers are recorded, for `conftest.py` to hold them against OpenAPI at the session's end.
    """
    node = shutil.which("node")
    assert node is not None, "node is needed to run the vault-server"
    assert SERVER.exists(), f"{SERVER} is not built: run `npm run build` at the root"
    options = ["--listen", "127.0.0.1:0", "--data-dir", str(directory), "--log-format", "json"]
    command = [node, "--import", str(RECORDER), str(SERVER), *options]
    SERVED.append(directory)
    environment = {**os.environ, "RECORDED_ANSWERS": str(ANSWERS)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
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
