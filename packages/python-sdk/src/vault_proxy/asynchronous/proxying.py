"""Calls of APIs through the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.asynchronous.connection import AsyncConnection
from vault_proxy.operations import proxying
from vault_proxy.sdk_options import sdk_options

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

    from vault_proxy.operations.proxying import AnyData, Headers
    from vault_proxy.request_target import Params
    from vault_proxy.sdk_options import SdkOptions


class AsyncProxying(AsyncConnection):
    """Methods of the client."""

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
        data = proxying.awaited_data(data)
        operation = proxying.proxy(service, method, path, json=json, data=data, headers=headers, params=params)
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

        The arguments are those of `proxy`, and are checked at once; the request is sent, and an error status or a
        redirect raised, when the first bytes are asked for. Closing the iterator early cancels the call at
        the API too, and so does cancelling the task; one that is left by `break` is closed by `contextlib.aclosing`.
        """
        data = proxying.awaited_data(data)
        operation = proxying.proxy(
            service, method, path, json=json, data=data, headers=headers, params=params, bytes_only=True
        )
        return self._stream(operation, timeout)

    def sdk_options(self, service: str, path: str = "") -> SdkOptions:
        """Give `base_url` and `api_key` for another library's client, so that it calls a service through the vault.

        `path` stands between the service's base URL and what the library asks for. `api_key` is this client's token:
        an official client sends it where the API wants its key, and the vault takes it from there.

        Raises `ValueError` without a token, and for a vault at a unix socket.
        """
        return sdk_options(self._settings.address, self.token, service, path)

    def openai_options(self, service: str = "openai", path: str = "/v1") -> SdkOptions:
        """Give the options of `openai.AsyncOpenAI`, for OpenAI or another API that speaks its protocol.

        `AsyncOpenAI(**vault.openai_options())` fits a service with the base URL `https://api.openai.com`; `path` is
        what it lacks of the base URL that the library has by default. Raises as `sdk_options` does.
        """
        return self.sdk_options(service, path)

    def anthropic_options(self, service: str = "anthropic", path: str = "") -> SdkOptions:
        """Give the options of `anthropic.AsyncAnthropic`, as in `AsyncAnthropic(**vault.anthropic_options())`.

        It fits a service with the base URL `https://api.anthropic.com`. Raises as `sdk_options` does.
        """
        return self.sdk_options(service, path)
