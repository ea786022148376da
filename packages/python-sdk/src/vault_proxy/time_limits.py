"""How long a client waits."""

from __future__ import annotations

import httpx

# A socket's clock counts milliseconds in 31 bits; what is longer waits for ever.
_LONGEST_SECONDS = (2**31 - 1) / 1000


def time_limits(timeout: float | httpx.Timeout | None) -> httpx.Timeout:
    """Give the time limits of each step of a call, of seconds or as httpx has them; None waits for ever.

    Raises `ValueError` for a time that nothing can be done in: 0, which some libraries take for "for ever", or less;
    and `TypeError` for what is no time.
    """
    if timeout is not None and not isinstance(timeout, httpx.Timeout):
        _check(timeout)
    limits = httpx.Timeout(timeout)
    return httpx.Timeout(
        connect=_limit(limits.connect), read=_limit(limits.read), write=_limit(limits.write), pool=_limit(limits.pool)
    )


def _limit(seconds: float | None) -> float | None:
    if seconds is None:
        return None
    _check(seconds)
    if not seconds > 0:
        raise ValueError(f"a timeout is more than 0 seconds, or None to wait for ever: {seconds}")
    return seconds if seconds <= _LONGEST_SECONDS else None


def _check(seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        given = repr(seconds) if isinstance(seconds, str | bool) else f"a {type(seconds).__name__}"
        raise TypeError(f"timeout is a number of seconds, an httpx.Timeout, or None to wait for ever: not {given}")
