"""Commands, files and terminals of servers by SSH."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from vault_proxy.blocking.connection import BlockingConnection
from vault_proxy.operations import ssh
from vault_proxy.ssh_exec import ExecEvents
from vault_proxy.upload_source import opened

if TYPE_CHECKING:
    from collections.abc import Generator

    import httpx

    from vault_proxy.operations.operation import Operation
    from vault_proxy.service_info import ServiceInfo
    from vault_proxy.ssh_exec import SshExecEvent, SshExecResult
    from vault_proxy.upload_source import UploadSource


class BlockingSsh(BlockingConnection):
    """Methods of the client."""

    def ssh_exec(
        self, service: str, command: str, *, timeout: float | None = None, stdin: str | bytes | None = None
    ) -> SshExecResult:
        """Run a command at a server, and give its whole output; a command that fails raises nothing.

        `timeout` is in seconds, 30 by default and at most 300: then the remote process is ended, and `VaultError`
        raised. The command reads `stdin`, under 1 MB, or nothing.
        """
        operation = ssh.ssh_exec(service, command, timeout=timeout, stdin=stdin)
        return self._call(operation, ssh.exec_timeout(self._settings.timeout, timeout))

    def ssh_exec_stream(
        self, service: str, command: str, *, timeout: float | None = None, stdin: str | bytes | None = None
    ) -> Generator[SshExecEvent, None, None]:
        """Run a command at a server, and yield its output as it comes, and at last an `SshExit`.

        The arguments are those of `ssh_exec`. Closing the iterator early ends the remote process.
        """
        events = ExecEvents()
        operation = ssh.ssh_exec_stream(service, command, events, timeout=timeout, stdin=stdin)
        return self._events(events, operation, ssh.exec_timeout(self._settings.timeout, timeout))

    def ssh_upload(self, service: str, remote_path: str, source: UploadSource, *, mode: int | str | None = None) -> int:
        """Write a file at a server, in place of one that is there, and give the number of its bytes, 50 MB at most.

        `source` is the path of a local file, or bytes, or a file open for reading bytes. `mode` is 0o644 by default.
        """
        with opened(source) as content:
            return self._call(ssh.ssh_upload(service, remote_path, content, mode=mode))

    def ssh_download(self, service: str, remote_path: str) -> bytes:
        """Give the bytes of a file at a server."""
        return self._call(ssh.ssh_download(service, remote_path)).content

    def ssh_download_stream(self, service: str, remote_path: str) -> Generator[bytes, None, None]:
        """Yield the bytes of a file at a server as they arrive. Closing the iterator early ends the transfer."""
        return self._stream(ssh.ssh_download(service, remote_path), None)

    def ssh_session_url(self, service: str, *, cols: int | None = None, rows: int | None = None) -> str:
        """Say where a terminal on a server is opened by WebSocket, with the token in the `Authorization` header.

        For a vault at a unix socket it is `ws+unix:<path>:<request target>`: connect to the path, and ask for the
        target.
        """
        return ssh.ssh_session_url(self._settings.address, service, cols=cols, rows=rows)

    def set_host_key(self, name: str, host_key: str) -> ServiceInfo:
        """Trust a server by this key only (admin): a line of `ssh-keyscan`, or a fingerprint `SHA256:…`."""
        return self._call(ssh.set_host_key(name, host_key))

    def clear_host_key(self, name: str) -> ServiceInfo:
        """Forget a server's key (admin): the next connection keeps the one that it is shown."""
        return self._call(ssh.clear_host_key(name))

    def _events(
        self, events: ExecEvents, operation: Operation[httpx.Response], timeout: httpx.Timeout
    ) -> Generator[SshExecEvent, None, None]:
        with closing(self._stream(operation, timeout)) as chunks:
            for chunk in chunks:
                yield from events.feed(chunk)
            yield from events.finish()
