"""How answers become results, and error statuses `VaultError`."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from vault_proxy.errors import VaultError
from vault_proxy.operations.operation import UNAUTHENTICATED

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

Result = TypeVar("Result")


def json_reader(read: Callable[[object], Result]) -> Callable[[httpx.Response], Result]:
    """Make the reader of a JSON answer: `read` raises `ValueError` for what no vault sends."""

    def read_answer(response: httpx.Response) -> Result:
        checked_success(response)
        with suppress(ValueError):
            return read(response.json())
        # Not from inside a handler: the error of the reading holds the answer's text, which may show a token.
        raise unexpected_answer(response)

    return read_answer


def json_list_reader(read: Callable[[object], Result]) -> Callable[[httpx.Response], list[Result]]:
    """Make the reader of a JSON list, whose elements `read` reads."""

    def read_list(answer: object) -> list[Result]:
        if not isinstance(answer, list):
            raise ValueError("no list")
        return [read(item) for item in answer]

    return json_reader(read_list)


def read_done(_answer: object) -> None:
    """Read an answer that says nothing but that it was done."""


def read_nothing(response: httpx.Response) -> None:
    """Read an answer without a body."""
    checked_success(response)
    if response.content:
        raise unexpected_answer(response)


def checked_success(response: httpx.Response) -> httpx.Response:
    """Give the answer of the vault itself. Raises `VaultError` for any but a success."""
    if not response.is_success:
        raise vault_error(response)
    return response


def proxy_reader(service: str, *, bytes_only: bool) -> Callable[[httpx.Response], httpx.Response]:
    """Make the reader of a service's answers: `VaultError` for an error status of the API, or of the vault.

    A redirect is an error where its caller gets the `bytes_only`: its body is not what was asked for.
    """

    def read_answer(response: httpx.Response) -> httpx.Response:
        if "x-vault-error" in response.headers:
            raise vault_error(response)
        if response.is_error or (bytes_only and not response.is_success):
            status = f"{response.status_code} {response.reason_phrase}".rstrip()
            told = ".response has its answer"
            if not response.is_error:
                told = f"redirects are not followed, {told}"
            raise VaultError(
                response.status_code,
                f"the API of the service {service} answered {status}: {told}",
                request_id=response.headers.get("x-vault-request-id"),
                response=response,
                retry_after=_retry_after(response),
            )
        return response

    return read_answer


def unexpected_answer(response: httpx.Response) -> VaultError:
    """Give the error for what no vault sends."""
    return VaultError(
        response.status_code,
        "the answer is not what a vault sends: is this the vault's address?",
        "unexpected_answer",
        request_id=response.headers.get("x-vault-request-id"),
    )


def vault_error(response: httpx.Response) -> VaultError:
    """Give the error that an answer with an error status stands for."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    fields = answer if isinstance(answer, dict) else {}
    said, named = fields.get("error"), fields.get("code")
    # The answer to a HEAD has no body.
    code = named if isinstance(named, str) else response.headers.get("x-vault-error")
    whose = "an address that does not answer like a vault-server" if code is None else "the vault-server"
    message = f"{said}{_hint(response)}" if isinstance(said, str) else f"HTTP {response.status_code} from {whose}"
    return VaultError(
        response.status_code,
        message,
        code,
        request_id=response.headers.get("x-vault-request-id"),
        retry_after=_retry_after(response),
    )


def _hint(response: httpx.Response) -> str:
    """Say what to do next: to a caller that thinks it has a token that it gave none, and what opens a locked vault."""
    if response.status_code == HTTPStatus.LOCKED:
        return " (`vault-cli unlock` opens it, and so does unlock)"
    if response.status_code == HTTPStatus.UNAUTHORIZED and response.request.extensions.get(UNAUTHENTICATED) is True:
        return " (this client has none: give token=, or set VAULT_TOKEN)"
    return ""


def _retry_after(response: httpx.Response) -> int | None:
    # RFC 9110 section 10.2.3; the form that is a date needs a clock, and no vault sends it.
    value = response.headers.get("retry-after", "")
    return int(value) if value.isascii() and value.isdecimal() else None
