"""TCP sessions: ports that are logged in to mail servers and databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from vault_proxy.json_fields import integer_field, json_object, optional_text_field, text_field, unknown_fields

if TYPE_CHECKING:
    from types import TracebackType

SessionProtocol = Literal["imap", "smtp", "redis", "postgres"]


@dataclass(frozen=True)
class OpenedSession:
    """Where a client may connect.

    `url` is what client libraries take; it holds the password if there is one. `username` and `password` are there
    where clients must log in with them, else any will do. `expires_at` is RFC 3339: of a session for one client the
    end of waiting for it, of one for several the end of the session.
    """

    id: str
    addr: str
    expires_at: str
    url: str = field(repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Where `addr` is, an IPv6 address without its brackets."""
        return self.addr.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of `addr`."""
        return int(self.addr.rpartition(":")[2])

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: a session may hold a password, and is ended by who opened it."""
        raise TypeError("a session cannot be pickled: hand on its url, which may hold a password")


@dataclass(frozen=True)
class Session(OpenedSession):
    """An opened session of the blocking client. Leaving a `with`, or `close()`, ends it and its connections."""

    _close: Callable[[str], None] | None = field(default=None, repr=False, compare=False)

    def close(self) -> None:
        """End the session and its connections; one that has ended already is no error."""
        if self._close is not None:
            self._close(self.id)

    def __enter__(self) -> Session:
        """Give the session itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the session."""
        self.close()


@dataclass(frozen=True)
class AsyncSession(OpenedSession):
    """An opened session of the asyncio client: `async with await vault.session(…) as session`."""

    _close: Callable[[str], Awaitable[None]] | None = field(default=None, repr=False, compare=False)

    async def close(self) -> None:
        """End the session and its connections; one that has ended already is no error."""
        if self._close is not None:
            await self._close(self.id)

    async def __aenter__(self) -> AsyncSession:
        """Give the session itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the session."""
        await self.close()


@dataclass(frozen=True)
class SessionInfo:
    """An open session of `GET /sessions`.

    `token` is a prefix of the one that opened it; times are RFC 3339; `connections` are open now; `bytes_in` came
    from clients, `bytes_out` went to them. Fields that this version does not know are in `extra`.
    """

    id: str
    protocol: str
    service: str
    addr: str
    token: str
    opened_at: str
    expires_at: str
    max_connections: int
    connections: int
    bytes_in: int
    bytes_out: int
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> SessionInfo:
        """Read one element of the answer. Raises `ValueError` when it is not an open session."""
        answer = json_object(value)
        return cls(
            id=text_field(answer, "id"),
            protocol=text_field(answer, "protocol"),
            service=text_field(answer, "service"),
            addr=text_field(answer, "addr"),
            token=text_field(answer, "token"),
            opened_at=text_field(answer, "opened_at"),
            expires_at=text_field(answer, "expires_at"),
            max_connections=integer_field(answer, "max_connections"),
            connections=integer_field(answer, "connections"),
            bytes_in=integer_field(answer, "bytes_in"),
            bytes_out=integer_field(answer, "bytes_out"),
            extra=unknown_fields(cls, answer),
        )


def opened_session(value: object) -> OpenedSession:
    """Read the answer to an opening. Raises `ValueError` when it is none."""
    answer = json_object(value)
    session = OpenedSession(
        text_field(answer, "id"),
        text_field(answer, "addr"),
        text_field(answer, "expires_at"),
        text_field(answer, "url"),
        optional_text_field(answer, "username"),
        optional_text_field(answer, "password"),
    )
    if not session.host or not session.addr.rpartition(":")[2].isdecimal():
        raise ValueError("no address")
    return session
