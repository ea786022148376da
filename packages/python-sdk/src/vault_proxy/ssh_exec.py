"""Commands that run at servers by SSH: their results, and what they say while they run."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from vault_proxy.errors import VaultConnectionError, VaultError
from vault_proxy.json_fields import (
    boolean_field,
    bytes_field,
    integer_field,
    json_object,
    optional_text_field,
    text_field,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of one line of a stream; the vault sends far shorter ones.
_MAX_LINE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class SshExit:
    """How a command ended.

    `exit_code` is 128 and the signal's number if a signal ended it, which `signal` names without "SIG". `truncated`
    says whether output beyond 10 MB a stream was dropped.
    """

    exit_code: int
    duration_ms: int
    signal: str | None
    truncated: bool


@dataclass(frozen=True)
class SshExecResult(SshExit):
    """A command's whole output, and its end.

    `stdout` and `stderr` are read as UTF-8, with U+FFFD for what is none; the bytes themselves stand in
    `stdout_bytes` and `stderr_bytes`.
    """

    stdout: str
    stderr: str
    stdout_bytes: bytes = field(repr=False)
    stderr_bytes: bytes = field(repr=False)


@dataclass(frozen=True)
class SshOutput:
    """A piece of a command's output; a character may begin in one and end in the next."""

    stream: Literal["stdout", "stderr"]
    data: bytes


SshExecEvent: TypeAlias = SshOutput | SshExit


def exec_result(value: object) -> SshExecResult:
    """Read a whole result. Raises `ValueError` when it is none."""
    answer = json_object(value)
    return SshExecResult(
        **vars(_exit(answer)),
        stdout=text_field(answer, "stdout"),
        stderr=text_field(answer, "stderr"),
        stdout_bytes=bytes_field(answer, "stdout"),
        stderr_bytes=bytes_field(answer, "stderr"),
    )


class ExecEvents:
    """Reads the lines of a streamed answer, however it was cut into pieces."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self.request_id: str | None = None
        self._rest = bytearray()
        self._ended = False

    def feed(self, chunk: bytes) -> Iterator[SshExecEvent]:
        """Give what became whole with the next piece. Raises `VaultError` where the vault says that the call failed."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest
        for line in lines:
            yield from self._read(line)
        if len(rest) > _MAX_LINE_BYTES:
            raise self._unexpected()

    def finish(self) -> Iterator[SshExecEvent]:
        """Give what the end of the answer makes whole.

        Raises `VaultConnectionError` when nothing has told how the command ended.
        """
        yield from self._read(self._rest)
        if not self._ended:
            message = "the answer broke off before it told how the command ended"
            raise VaultConnectionError(0, message, "connection_failed", request_id=self.request_id)

    def _read(self, line: bytes | bytearray) -> Iterator[SshExecEvent]:
        if not line.strip() or self._ended:
            return
        event: SshExecEvent | VaultError | None = None
        with suppress(ValueError):
            event = self._event(json_object(json.loads(line)))
        # Not from inside the handler: the error of the reading holds the line.
        if event is None:
            raise self._unexpected()
        if isinstance(event, VaultError):
            raise event
        self._ended = isinstance(event, SshExit)
        yield event

    def _event(self, line: dict[str, object]) -> SshExecEvent | VaultError | None:
        kind = line.get("type")
        if kind == "stdout":
            return SshOutput("stdout", bytes_field(line, "data"))
        if kind == "stderr":
            return SshOutput("stderr", bytes_field(line, "data"))
        if kind == "exit":
            return _exit(line)
        if kind == "error":
            status, message = integer_field(line, "status"), text_field(line, "error")
            return VaultError(status, message, text_field(line, "code"), request_id=self.request_id)
        return None

    def _unexpected(self) -> VaultError:
        message = "the answer is not what a vault sends: is this the vault's address?"
        return VaultError(200, message, "unexpected_answer", request_id=self.request_id)


def _exit(answer: dict[str, object]) -> SshExit:
    return SshExit(
        exit_code=integer_field(answer, "exit_code"),
        duration_ms=integer_field(answer, "duration_ms"),
        signal=optional_text_field(answer, "signal"),
        truncated=boolean_field(answer, "truncated"),
    )
