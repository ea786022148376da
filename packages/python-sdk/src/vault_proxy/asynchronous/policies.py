"""Policies: what tokens may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.asynchronous.connection import AsyncConnection
from vault_proxy.operations import policies

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from vault_proxy.policy import Policy, PolicyContent, PolicyQuestion, PolicyVerdict


class AsyncPolicies(AsyncConnection):
    """Methods of the client."""

    async def list_policies(self) -> list[Policy]:
        """List the policies (admin)."""
        return await self._call(policies.list_policies())

    async def get_policy(self, name: str) -> Policy:
        """Show a policy (admin). Raises `VaultError` with the code `not_found` where there is none."""
        return await self._call(policies.get_policy(name))

    async def add_policy(self, name: str, content: PolicyContent, *, description: str | None = None) -> Policy:
        """Store a policy, or replace the one of that name (admin): at once for every token that has it."""
        return await self._call(policies.add_policy(name, content, description))

    async def update_policy(self, name: str, content: PolicyContent, *, description: str | None = None) -> Policy:
        """Replace a policy that is there (admin)."""
        return await self._call(policies.update_policy(name, content, description))

    async def remove_policy(self, name: str, *, force: bool = False) -> None:
        """Delete a policy (admin); one that tokens have only with `force`: they may do nothing then."""
        await self._call(policies.remove_policy(name, force=force))

    async def test_policy(
        self, policy: str | PolicyContent, service: str, **question: Unpack[PolicyQuestion]
    ) -> PolicyVerdict:
        """Ask (admin) what a policy, by name or whole, says to a call or an `action`. Nothing is called."""
        return await self._call(policies.ask_policy(policy, service, question))
