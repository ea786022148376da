"""The errors of calls: what the vault, or the API behind it, answered with an error status, and what was not answered.

- `VaultError`
  - `VaultConnectionError`, which is an `httpx.TransportError` too
    - `VaultTimeoutError`, which is an `httpx.TimeoutException` too
"""

from __future__ import annotations

from typing import Any

import httpx


class VaultError(Exception):
    """A call that did not succeed.

    `status_code` is the HTTP status, 0 where there was no answer, and `message` a sentence for a person. An error of
    the vault itself has a stable `code` such as `vault_locked`, and no `response`. An error of the API behind it has
    no `code`, and keeps the API's answer, body read, as `response`. `request_id` finds the call in the vault's logs.
    `retry_after` is after how many seconds to try again, where the answer says so (RFC 9110 section 10.2.3).
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
        # By name, since the next in line is httpx's of what has two parents.
        Exception.__init__(self, status_code, message, code)
        self.status_code = status_code
        self.message = message
        self.code = code
        self.request_id = request_id
        self.response = response
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Say the message, then the status and the code in brackets."""
        facts = [str(fact) for fact in (self.status_code, self.code) if fact]
        return f"{self.message} [{' '.join(facts)}]" if facts else self.message


class VaultConnectionError(VaultError, httpx.TransportError):
    """A call without an answer, or with half of one; whether it was done is not known, unless nobody listened.

    `status_code` is 0, and `code` is `connection_failed`. `__cause__` is httpx's own exception.
    """

    def __init__(
        self,
        status_code: int,
        message: str,
        code: str | None = None,
        *,
        request_id: str | None = None,
        request: httpx.Request | None = None,
    ) -> None:
        """Keep what is known of the call."""
        super().__init__(status_code, message, code, request_id=request_id)
        self._request = request

    def __reduce__(self) -> tuple[Any, ...]:
        """Give what is pickled: not the request, whose body may be a password."""
        return (type(self), self.args, {**self.__dict__, "_request": None})


class VaultTimeoutError(VaultConnectionError, httpx.TimeoutException):
    """A call that was given up, since one of its steps took longer than `timeout` allows. `code` is `timeout`."""
