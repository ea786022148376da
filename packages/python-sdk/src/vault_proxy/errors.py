"""The one error that answers of the vault, and of the APIs behind it, are turned into."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


class VaultError(Exception):
    """An answer with an error status.

    `status_code` is the HTTP status and `message` a sentence for a person. An error of the vault itself has a
    stable `code` such as `vault_locked`, and no `response`. An error of the API behind it has no `code`, and keeps
    the API's answer, body read, as `response`. `request_id` finds the call in the vault's logs. `retry_after` is after
    how many seconds to try again, where the answer says so (RFC 9110 section 10.2.3).
    """

    def __init__(
        self,
        status_code: int,
        message: str,
        code: str | None = None,
        *,
        request_id: str | None = None,
        response: httpx.Response | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Keep what the answer said; the text of the exception is the message with its status."""
        super().__init__(status_code, message, code)
        self.status_code = status_code
        self.message = message
        self.code = code
        self.request_id = request_id
        self.response = response
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Say the message, then the status and the code in brackets."""
        return f"{self.message} [{self.status_code}{f' {self.code}' if self.code else ''}]"
