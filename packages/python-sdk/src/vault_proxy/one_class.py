"""A client as who uses it sees it: one class, whatever parts it is made of."""

from __future__ import annotations

from inspect import isfunction
from typing import TypeVar

Client = TypeVar("Client", bound=type)


def as_one_class(client: Client) -> Client:
    """Make the public methods of a client's parts its own: `help()` and Python's messages name them by their class."""
    for part in client.__mro__[-2:0:-1]:
        for name, member in vars(part).items():
            if isfunction(member) and (not name.startswith("_") or name == "__init__"):
                member.__qualname__ = f"{client.__qualname__}.{name}"
                setattr(client, name, member)
    client.__module__ = __package__ or client.__module__
    return client
