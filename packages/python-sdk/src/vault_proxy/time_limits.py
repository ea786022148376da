"""How long a client waits."""

from __future__ import annotations

import httpx


def time_limits(timeout: float | httpx.Timeout | None) -> httpx.Timeout:
    """Give the time limits of each step of a call, of seconds or as httpx has them; None waits for ever.

    Raises `ValueError` for a time that nothing can be done in: 0, which some libraries take for "for ever", or less.
    """
    limits = httpx.Timeout(timeout)
    for seconds in (limits.connect, limits.read, limits.write, limits.pool):
        if seconds is not None and not seconds > 0:
            raise ValueError(f"a timeout is more than 0 seconds, or None to wait for ever: {seconds}")
    return limits
