"""Files that services refer to, such as keys of service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.asynchronous.connection import AsyncConnection
from vault_proxy.operations import files
from vault_proxy.upload_source import opened

if TYPE_CHECKING:
    from vault_proxy.file_info import FileInfo
    from vault_proxy.upload_source import UploadSource


class AsyncFiles(AsyncConnection):
    """Methods of the client."""

    async def upload_file(self, name: str, source: UploadSource) -> FileInfo:
        """Store a file of 5 MB at most, or replace the one of that name (admin).

        `source` is the path of a local file, or bytes, or a file open for reading bytes. `name` has 1 to 255
        characters, without separators and control characters (`ValueError`).
        """
        with opened(source) as content:
            return await self._call(files.upload_file(name, content))

    async def list_files(self) -> list[FileInfo]:
        """List the files (admin)."""
        return await self._call(files.list_files())

    async def get_file(self, name: str) -> bytes:
        """Give the bytes of a file (admin)."""
        return (await self._call(files.get_file(name))).content

    async def delete_file(self, name: str) -> None:
        """Delete a file (admin)."""
        await self._call(files.delete_file(name))
