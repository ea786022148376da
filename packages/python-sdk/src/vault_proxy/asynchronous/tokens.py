"""Tokens, and those that tokens make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.asynchronous.connection import AsyncConnection
from vault_proxy.operations import tokens

if TYPE_CHECKING:
    from vault_proxy.issued_token import IssuedToken, TokenScope
    from vault_proxy.policy import PolicyContent
    from vault_proxy.token_info import TokenInfo


class AsyncTokens(AsyncConnection):
    """Methods of the client."""

    async def create_token(
        self,
        scope: TokenScope = "proxy",
        *,
        name: str | None = None,
        ttl: str | None = None,
        expires_at: str | None = None,
        policy: str | PolicyContent | None = None,
    ) -> IssuedToken:
        """Mint a token (admin). `ttl` is written like `90s` or `24h`; `expires_at` is RFC 3339.

        `policy` is the name of a stored one, or one of the token's own; without it, every service may be used. The
        answer is the only one that shows the token.
        """
        return await self._call(tokens.create_token(scope, name=name, ttl=ttl, expires_at=expires_at, policy=policy))

    async def create_child_token(
        self,
        *,
        name: str | None = None,
        ttl: str | None = None,
        expires_at: str | None = None,
        policy: PolicyContent | None = None,
    ) -> IssuedToken:
        """Mint a token that may do a part of what this proxy token may, or all of it, and lives no longer.

        Raises `VaultError` with the code `policy_denied` for a policy that allows more.
        """
        return await self._call(tokens.create_child_token(name=name, ttl=ttl, expires_at=expires_at, policy=policy))

    async def list_tokens(self) -> list[TokenInfo]:
        """List the tokens (admin), each by a prefix."""
        return await self._call(tokens.list_tokens())

    async def revoke_token(self, id_or_prefix: str) -> None:
        """Revoke a token and its children (admin), named as a whole or by a prefix that only it has.

        Raises `VaultError` with the code `not_found`, or with `conflict` for a prefix that several have.
        """
        await self._call(tokens.revoke_token(id_or_prefix))

    async def revoke_own_token(self) -> None:
        """Revoke the token that this client has, of whatever scope, and its children; and forget it."""
        await self._call(tokens.revoke_own_token())
        self.token = None

    async def resume_token(self, id_or_prefix: str) -> None:
        """Lift the suspension of a token (admin), named as a whole or by a prefix that only it has."""
        await self._call(tokens.resume_token(id_or_prefix))
