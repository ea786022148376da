"""The asynchronous client's connections to the vault, and how its calls are sent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn, TypeVar

import anyio
import httpx

from vault_proxy.address import resolve_address
from vault_proxy.connection_errors import call_error
from vault_proxy.http_settings import HttpSettings, checked_trust
from vault_proxy.operations.operation import request_arguments
from vault_proxy.retry import checked_retries, retry_delay
from vault_proxy.time_limits import time_limits

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from typing_extensions import Self

    from vault_proxy.operations.operation import Operation

    TimeLimits = float | httpx.Timeout

Result = TypeVar("Result")


class AsyncConnection:
    """Connections to one vault, of one event loop."""

    def __init__(
        self,
        addr: str | None = None,
        token: str | None = None,
        timeout: float | httpx.Timeout | None = 60,
        allow_insecure: bool = False,
        *,
        ssl_context: ssl.SSLContext | None = None,
        retries: int = 2,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        `addr` is `http://`, `https://` or `unix:/path/to.sock`, and defaults to `VAULT_PROXY_SOCK`, then
        `VAULT_ADDR`, then `http://127.0.0.1:8390`. `token` defaults to `VAULT_TOKEN`. `timeout` is in seconds, for
        each of connecting, sending, and waiting for more of the answer; None waits forever. `ssl_context` is for a
        vault whose certificate is not from a public CA.

        `retries` is how often a GET of the vault's own state is sent again that was not answered. What is proxied, and
        what changes anything, is never sent twice.

        Raises `ValueError` for a bad address or a timeout that is not more than 0, and for plaintext HTTP to another
        machine unless `allow_insecure`; and `TypeError` for an argument of another type.
        """
        address = resolve_address(addr, os.environ, allow_insecure=allow_insecure)
        self.token = token if token is not None else os.environ.get("VAULT_TOKEN")
        self._settings = HttpSettings(address, time_limits(timeout), checked_trust(ssl_context))
        self._retries = checked_retries(retries)
        self._http = self._new_http()
        self._process = os.getpid()

    async def __aenter__(self) -> Self:
        """Give the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.close()

    def __repr__(self) -> str:
        """Show the address, never the token."""
        return f"{type(self).__name__}({self._settings.address.label!r})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: the token would be in the bytes."""
        raise TypeError("a client cannot be pickled: make one in each process")

    async def close(self) -> None:
        """Close every connection; the client cannot be used again. The token stays valid.

        Closing it twice does no harm. In a process that was forked off, the connections of the other stay as they are.
        """
        await self._own_http().aclose()

    def _new_http(self) -> httpx.AsyncClient:
        socket = self._settings.socket_options()
        transport = None if socket is None else httpx.AsyncHTTPTransport(**socket)
        return httpx.AsyncClient(**self._settings.client_options(), transport=transport)

    def _own_http(self) -> httpx.AsyncClient:
        # After a fork the other process uses these connections too, and another thread may have held their locks.
        if self._process != os.getpid():
            if not self._http.is_closed:
                self._http = self._new_http()
            self._process = os.getpid()
        return self._http

    def _closed(self) -> RuntimeError:
        return RuntimeError(f"this {type(self).__name__} is closed: make another, or call within its `async with`")

    async def _call(self, operation: Operation[Result], limits: TimeLimits | None = None) -> Result:
        return operation.read(await self._send(operation, limits))

    async def _head(self, operation: Operation[Result], limits: TimeLimits | None) -> Result:
        """Read the head of the answer only, and the body of an error of the vault."""
        response = await self._send(operation, limits, stream=True)
        try:
            if "x-vault-error" in response.headers:
                await response.aread()
            return operation.read(response)
        except httpx.RequestError as error:
            raise call_error(error, operation, self._settings.address, response.request, response) from error
        finally:
            await response.aclose()

    async def _stream(
        self, operation: Operation[httpx.Response], limits: TimeLimits | None
    ) -> AsyncGenerator[bytes, None]:
        response = await self._send(operation, limits, stream=True)
        try:
            if not response.is_success:
                await response.aread()
            operation.read(response)
            async for chunk in response.aiter_bytes():
                yield chunk
        except httpx.RequestError as error:
            if self._http.is_closed:
                raise self._closed() from error
            raise call_error(error, operation, self._settings.address, response.request, response) from error
        finally:
            await response.aclose()

    async def _send(
        self, operation: Operation[Result], limits: TimeLimits | None, *, stream: bool = False
    ) -> httpx.Response:
        failures = 0
        while True:
            http = self._own_http()
            if http.is_closed:
                raise self._closed()
            arguments = request_arguments(operation, self._settings.address, self.token)
            if limits is not None:
                arguments["timeout"] = time_limits(limits)
            request = http.build_request(**arguments)
            response: httpx.Response | None = None
            try:
                response = await http.send(request, stream=True)
                if not stream:
                    await _read_whole(response)
                return response
            except httpx.RequestError as error:
                failures += 1
                delay = retry_delay(operation, error, failures, self._retries)
                if delay is None:
                    raise call_error(error, operation, self._settings.address, request, response) from error
            finally:
                # Answers and errors keep their request, and can be pickled.
                request.headers.pop("authorization", None)
            await anyio.sleep(delay)


async def _read_whole(response: httpx.Response) -> None:
    try:
        await response.aread()
    except BaseException:
        await response.aclose()
        raise
