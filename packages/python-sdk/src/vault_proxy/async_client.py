"""The client for asyncio and trio: the blocking client's methods, awaited."""

from __future__ import annotations

import os
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from vault_proxy import operations, policy_operations, ssh_operations
from vault_proxy.address import resolve_address
from vault_proxy.errors import VaultError
from vault_proxy.operations import request_arguments
from vault_proxy.session import AsyncSession
from vault_proxy.ssh_exec import ExecEvents

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from typing_extensions import Unpack

    from vault_proxy.audit import AuditPage
    from vault_proxy.issued_token import IssuedToken
    from vault_proxy.login import (
        BrowserLoginOptions,
        DeviceLoginOptions,
        LoginStatus,
        StartedBrowserLogin,
        StartedDeviceLogin,
    )
    from vault_proxy.operations import AnyData, Headers, Operation
    from vault_proxy.policy import Policy, PolicyContent, PolicyQuestion, PolicyVerdict
    from vault_proxy.request_target import Params
    from vault_proxy.service_info import ServiceInfo
    from vault_proxy.session import SessionInfo, SessionProtocol
    from vault_proxy.ssh_exec import SshExecEvent, SshExecResult
    from vault_proxy.ssh_operations import UploadSource
    from vault_proxy.token_health import TokenHealth

Result = TypeVar("Result")


class AsyncVaultClient:
    """A client of one vault, for one event loop; use it in an `async with`, or `await close()` it."""

    def __init__(
        self,
        addr: str | None = None,
        token: str | None = None,
        timeout: float | httpx.Timeout | None = 60,
        allow_insecure: bool = False,
        *,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        `addr` is `http://`, `https://` or `unix:/path/to.sock`, and defaults to `VAULT_PROXY_SOCK`, then
        `VAULT_ADDR`, then `http://127.0.0.1:8390`. `token` defaults to `VAULT_TOKEN`. `timeout` is in seconds, for
        each of connecting, sending, and waiting for more of the answer; None waits forever. `ssl_context` is for a
        vault whose certificate is not from a public CA.

        Raises `ValueError` for a bad address, and for plaintext HTTP to another machine unless `allow_insecure`.
        """
        self._address = resolve_address(addr, os.environ, allow_insecure=allow_insecure)
        self.token = token if token is not None else os.environ.get("VAULT_TOKEN")
        self._http = httpx.AsyncClient(
            timeout=timeout,
            follow_redirects=False,
            trust_env=self._address.may_use_egress_proxy,
            verify=ssl_context if ssl_context is not None else True,
            transport=httpx.AsyncHTTPTransport(uds=self._address.socket_path) if self._address.socket_path else None,
        )

    async def __aenter__(self) -> AsyncVaultClient:
        """Give the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.close()

    def __repr__(self) -> str:
        """Show the address, never the token."""
        return f"{type(self).__name__}({self._address.socket_path or self._address.origin!r})"

    async def close(self) -> None:
        """Close every connection; the client cannot be used again. The token stays valid."""
        await self._http.aclose()

    async def health(self) -> str:
        """Give the vault's status, `locked` or `unlocked`. No token is needed or sent."""
        return await self._call(operations.health())

    async def health_details(self) -> dict[str, Any]:
        """Give all that `/health` says; with an admin's token, `details` of how the server does."""
        return await self._call(operations.health_details())

    async def metrics(self) -> str:
        """Give the metrics as Prometheus reads them: for an admin, or a token of scope `metrics`."""
        return await self._call(operations.metrics())

    async def unlock(self, password: str) -> IssuedToken:
        """Unlock the vault, or create it on the first call, and use the admin token that it gives."""
        issued = await self._call(operations.unlock(password))
        self.token = issued.id
        return issued

    async def lock(self, *, revoke_tokens: bool = False) -> None:
        """Lock the vault (admin), for all its callers, and forget the token."""
        await self._call(operations.lock(revoke_tokens=revoke_tokens))
        self.token = None

    async def change_password(self, current: str, new: str) -> None:
        """Change the vault's password (admin). `current` may be the recovery key; `new` has 8 characters or more."""
        await self._call(operations.change_password(current, new))

    async def create_recovery_key(self, password: str) -> str:
        """Give a new recovery key (admin), this once; the one before opens nothing any more.

        It opens the vault as its password does: `unlock` and `change_password` take it.
        """
        return await self._call(operations.create_recovery_key(password))

    async def list_services(self) -> list[ServiceInfo]:
        """List the services that can be called, without their secrets."""
        return await self._call(operations.list_services())

    async def health_tokens(self) -> list[TokenHealth]:
        """Say how long the access tokens of services whose credential expires are still valid."""
        return await self._call(operations.health_tokens())

    async def oauth_authorize(
        self, service_name: str, base_url: str, **options: Unpack[BrowserLoginOptions]
    ) -> StartedBrowserLogin:
        """Begin a login in a browser (admin): who opens its `auth_url` and logs in makes the service.

        It replaces a service of that name. `oauth_flow` tells how the login stands.
        """
        return await self._call(operations.oauth_authorize(service_name, base_url, options))

    async def oauth_device(
        self, service_name: str, base_url: str, **options: Unpack[DeviceLoginOptions]
    ) -> StartedDeviceLogin:
        """Begin a login by a code that is typed on another device (admin)."""
        return await self._call(operations.oauth_device(service_name, base_url, options))

    async def oauth_flow(self, flow: str) -> LoginStatus:
        """Say how a login stands (admin), or how it ended within the last five minutes."""
        return await self._call(operations.oauth_flow(flow))

    async def cancel_oauth_flow(self, flow: str) -> None:
        """Cancel a login that is under way (admin)."""
        await self._call(operations.cancel_oauth_flow(flow))

    async def create_token(
        self,
        scope: str = "proxy",
        *,
        name: str | None = None,
        ttl: str | None = None,
        expires_at: str | None = None,
        policy: str | PolicyContent | None = None,
    ) -> IssuedToken:
        """Mint a token (admin). `ttl` is written like `90s` or `24h`; `expires_at` is RFC 3339.

        `policy` is the name of a stored one, or one of the token's own; without it, every service may be used.
        """
        return await self._call(
            operations.create_token(scope, name=name, ttl=ttl, expires_at=expires_at, policy=policy)
        )

    async def create_child_token(
        self,
        *,
        name: str | None = None,
        ttl: str | None = None,
        expires_at: str | None = None,
        policy: PolicyContent | None = None,
    ) -> IssuedToken:
        """Mint a token that may do a part of what this proxy token may, or all of it, and lives no longer."""
        return await self._call(
            policy_operations.create_child_token(name=name, ttl=ttl, expires_at=expires_at, policy=policy)
        )

    async def list_policies(self) -> list[Policy]:
        """List the policies (admin)."""
        return await self._call(policy_operations.list_policies())

    async def get_policy(self, name: str) -> Policy:
        """Show a policy (admin)."""
        return await self._call(policy_operations.get_policy(name))

    async def add_policy(self, name: str, content: PolicyContent, *, description: str | None = None) -> Policy:
        """Store a policy, or replace the one of that name (admin): at once for every token that has it."""
        return await self._call(policy_operations.add_policy(name, content, description))

    async def update_policy(self, name: str, content: PolicyContent, *, description: str | None = None) -> Policy:
        """Replace a policy that is there (admin)."""
        return await self._call(policy_operations.update_policy(name, content, description))

    async def remove_policy(self, name: str, *, force: bool = False) -> None:
        """Delete a policy (admin); one that tokens have only with `force`: they may do nothing then."""
        await self._call(policy_operations.remove_policy(name, force=force))

    async def test_policy(
        self, policy: str | PolicyContent, service: str, **question: Unpack[PolicyQuestion]
    ) -> PolicyVerdict:
        """Ask (admin) what a policy, by name or whole, says to a call or an `action`. Nothing is called."""
        return await self._call(policy_operations.ask_policy(policy, service, question))

    async def resume_token(self, id_or_prefix: str) -> None:
        """Lift the suspension of a token (admin), named as a whole or by a prefix that only it has."""
        await self._call(operations.resume_token(id_or_prefix))

    async def session(
        self,
        protocol: SessionProtocol,
        service: str,
        *,
        timeout: int | None = None,
        max_connections: int | None = None,
        require_password: bool | None = None,
        idle_timeout: str | None = None,
    ) -> AsyncSession:
        """Open a port on the vault's machine that is logged in to a service of the type `protocol`.

        `timeout` is in seconds: for one client (`max_connections` 1, the default) how long it may take to come, 30
        by default and at most 300; for several at a time how long the session lives, at most a day. With
        `require_password` clients must log in with the session's own user name and password. A connection without a
        byte either way for `idle_timeout`, such as `10m`, is closed.

        Use it in an `async with await vault.session(…) as session`, or `await session.close()` it.
        """
        operation = operations.open_session(
            protocol,
            service,
            timeout=timeout,
            max_connections=max_connections,
            require_password=require_password,
            idle_timeout=idle_timeout,
        )
        return AsyncSession(**vars(await self._call(operation)), _close=self._end_session)

    async def list_audit(
        self,
        *,
        limit: int | None = None,
        before: int | None = None,
        service: str | None = None,
        token: str | None = None,
        action: str | None = None,
        decision: str | None = None,
    ) -> AuditPage:
        """Show a page of the audit log, the newest entry first; with an admin's token.

        `limit` is at most 1000; `before` is `next` of the page before; `token` is the start of a token's id; `action`
        is one such as `ssh.exec`, or what is before its dot; `decision` is `allow` or `deny`.
        """
        return await self._call(
            operations.list_audit(
                limit=limit, before=before, service=service, token=token, action=action, decision=decision
            )
        )

    async def list_sessions(self) -> list[SessionInfo]:
        """List the open sessions: with an admin's token all, with others their own."""
        return await self._call(operations.list_sessions())

    async def close_session(self, session_id: str) -> None:
        """Close a session and its connections."""
        await self._call(operations.close_session(session_id))

    async def ssh_exec(
        self, service: str, command: str, *, timeout: float | None = None, stdin: str | bytes | None = None
    ) -> SshExecResult:
        """Run a command at a server, and give its whole output; a command that fails raises nothing.

        `timeout` is in seconds, 30 by default and at most 300: then the remote process is ended, and `VaultError`
        raised. The command reads `stdin`, under 1 MB, or nothing.
        """
        operation = ssh_operations.ssh_exec(service, command, timeout=timeout, stdin=stdin)
        return await self._call(operation, ssh_operations.exec_timeout(self._http.timeout, timeout))

    def ssh_exec_stream(
        self, service: str, command: str, *, timeout: float | None = None, stdin: str | bytes | None = None
    ) -> AsyncGenerator[SshExecEvent, None]:
        """Run a command at a server, and yield its output as it comes, and at last an `SshExit`.

        The arguments are those of `ssh_exec`. Closing the iterator early ends the remote process.
        """
        events = ExecEvents()
        operation = ssh_operations.ssh_exec_stream(service, command, events, timeout=timeout, stdin=stdin)
        return self._events(events, operation, ssh_operations.exec_timeout(self._http.timeout, timeout))

    async def ssh_upload(
        self, service: str, remote_path: str, source: UploadSource, *, mode: int | str | None = None
    ) -> int:
        """Write a file at a server, in place of one that is there, and give the number of its bytes, 50 MB at most.

        `source` is the path of a local file, or bytes, or a file open for reading bytes. `mode` is 0o644 by default.
        """
        with ssh_operations.opened(source) as content:
            return await self._call(ssh_operations.ssh_upload(service, remote_path, content, mode=mode))

    async def ssh_download(self, service: str, remote_path: str) -> bytes:
        """Give the bytes of a file at a server."""
        return (await self._call(ssh_operations.ssh_download(service, remote_path))).content

    def ssh_download_stream(self, service: str, remote_path: str) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file at a server as they arrive. Closing the iterator early ends the transfer."""
        return self._stream(ssh_operations.ssh_download(service, remote_path), None)

    def ssh_session_url(self, service: str, *, cols: int | None = None, rows: int | None = None) -> str:
        """Say where a terminal on a server is opened by WebSocket, with the token in the `Authorization` header.

        For a vault at a unix socket it is `ws+unix:<path>:<request target>`: connect to the path, and ask for the
        target.
        """
        return ssh_operations.ssh_session_url(self._address, service, cols=cols, rows=rows)

    async def set_host_key(self, name: str, host_key: str) -> ServiceInfo:
        """Trust a server by this key only (admin): a line of `ssh-keyscan`, or a fingerprint `SHA256:…`."""
        return await self._call(ssh_operations.set_host_key(name, host_key))

    async def clear_host_key(self, name: str) -> ServiceInfo:
        """Forget a server's key (admin): the next connection keeps the one that it is shown."""
        return await self._call(ssh_operations.clear_host_key(name))

    async def proxy(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: object = None,
        data: AnyData | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
        timeout: float | httpx.Timeout | None = None,
    ) -> httpx.Response:
        """Call an API through the vault and give its answer, body read. Redirects are not followed.

        `path` goes out byte for byte and may hold a query; `params` are added to it. `data` is bytes, text, an
        iterable of bytes (async or not), or a mapping that is sent as a form. `timeout` replaces the client's for
        this call.

        Raises `VaultError` when the vault refuses or the API answers with 4xx or 5xx.
        """
        operation = operations.proxy(service, method, path, json=json, data=data, headers=headers, params=params)
        return await self._call(operation, timeout)

    def proxy_stream(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: object = None,
        data: AnyData | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
        timeout: float | httpx.Timeout | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Call an API and yield its body as it arrives, content-decoded.

        The arguments are those of `proxy`, and are checked at once; the request is sent, and an error status raised,
        when the first bytes are asked for. Closing the iterator early cancels the call at the API too.
        """
        operation = operations.proxy(service, method, path, json=json, data=data, headers=headers, params=params)
        return self._stream(operation, timeout)

    async def _end_session(self, session_id: str) -> None:
        try:
            await self.close_session(session_id)
        except VaultError as error:
            if not operations.says_ended(error):
                raise

    async def _events(
        self, events: ExecEvents, operation: Operation[httpx.Response], timeout: httpx.Timeout
    ) -> AsyncGenerator[SshExecEvent, None]:
        async with aclosing(self._stream(operation, timeout)) as chunks:
            async for chunk in chunks:
                for event in events.feed(chunk):
                    yield event
            for event in events.finish():
                yield event

    async def _stream(
        self, operation: Operation[httpx.Response], timeout: float | httpx.Timeout | None
    ) -> AsyncGenerator[bytes, None]:
        response = await self._http.send(self._request(operation, timeout), stream=True)
        try:
            if response.is_error:
                await response.aread()
            operation.read(response)
            async for chunk in response.aiter_bytes():
                yield chunk
        finally:
            await response.aclose()

    async def _call(self, operation: Operation[Result], timeout: float | httpx.Timeout | None = None) -> Result:
        return operation.read(await self._http.send(self._request(operation, timeout)))

    def _request(self, operation: Operation[Result], timeout: float | httpx.Timeout | None) -> httpx.Request:
        arguments = request_arguments(operation, self._address, self.token)
        if timeout is not None:
            arguments["timeout"] = timeout
        return self._http.build_request(**arguments)
