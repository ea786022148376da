"""Whether a service's credential is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vault_proxy.operations.answers import vault_error

if TYPE_CHECKING:
    import httpx

_REFUSED = (401, 403, 407)
_SERVER_ERROR = 500


@dataclass(frozen=True)
class ServiceTest:
    """What a call of a service showed.

    `ok`: the API answered and did not refuse the credential, with any status below 500 but 401, 403 and 407. Else
    `error` is a sentence, and `code` the vault's error code if the vault and not the API answered.
    """

    ok: bool
    status: int
    error: str | None = None
    code: str | None = None


def service_test(response: httpx.Response) -> ServiceTest:
    """Judge an answer of `/proxy`; of an error of the vault the body must have been read."""
    status = response.status_code
    if "x-vault-error" in response.headers:
        error = vault_error(response)
        return ServiceTest(False, status, error.message, error.code)
    if status in _REFUSED:
        return ServiceTest(False, status, f"the API refused the credential (HTTP {status})")
    if status >= _SERVER_ERROR:
        return ServiceTest(False, status, f"the API answered HTTP {status}")
    return ServiceTest(True, status)
