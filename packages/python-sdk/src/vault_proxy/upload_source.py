"""What is uploaded: a local file, bytes, or what can be read."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

# A string or another path names a local file.
UploadSource: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO


@contextmanager
def opened(source: UploadSource) -> Iterator[BinaryIO]:
    """Open what is to be sent; a file of the caller's own is not closed."""
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        with Path(source).open("rb") as file:
            yield file
    else:
        yield source
