"""The built vault-server before the API of a test module: its `API`, as the services `api` and `wrong`."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from built_server import serve_vault
from sdks.upstream import Api, Call, Reply, Upstream, serve
from vault_proxy import VaultClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vault_proxy import AuthDefinition, ServiceDefinition

PASSWORD = "correct horse battery staple"
SDK_VARIABLES = [
    *("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"),
    *("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS"),
]


@dataclass
class SdkVault:
    address: str
    token: str
    admin: str
    upstream: Upstream
    seen: int = field(default=0)

    def url(self, path: str = "", service: str = "api") -> str:
        return f"{self.address}/proxy/{service}{path}"

    def received(self) -> list[Call]:
        """Give what reached the API in the current test."""
        return self.upstream.calls[self.seen :]

    def answer_once(self, *replies: Reply) -> None:
        """Let the next accepted calls get these in place of their routes' answers."""
        self.upstream.once.extend(replies)

    def revoked_token(self) -> str:
        """Give a token that was good until just now."""
        with VaultClient(self.address, self.admin) as client:
            token = client.create_token(name="revoked", ttl="1h").id
            client.revoke_token(token)
        return token

    def add_service(self, name: str, auth: AuthDefinition) -> None:
        service: ServiceDefinition = {
            "name": name,
            "base_url": self.upstream.origin,
            "auth": auth,
            "allow_private": True,
            "tls_ca": self.upstream.certificate,
        }
        with VaultClient(self.address, self.admin) as client:
            client.add_service(service)


@pytest.fixture(autouse=True)
def no_sdk_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SDK_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def running_vault(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkVault]:
    api: Api = request.module.API
    with (
        serve(api, tmp_path_factory.mktemp("api")) as upstream,
        serve_vault(tmp_path_factory.mktemp("vault")) as address,
    ):
        with VaultClient(address) as client:
            admin = client.unlock(PASSWORD).id
            token = client.create_token(name="sdk", ttl="1h").id
        vault = SdkVault(address, token, admin, upstream)
        vault.add_service("api", api.auth)
        vault.add_service("wrong", api.wrong_auth)
        yield vault


@pytest.fixture
def vault(running_vault: SdkVault, request: pytest.FixtureRequest) -> Iterator[SdkVault]:
    """Give the vault, and afterwards look at whatever reached the API: the credential once, nothing of the vault's."""
    yield running_vault
    received = running_vault.received()
    running_vault.seen = len(running_vault.upstream.calls)
    left = list(running_vault.upstream.once)
    running_vault.upstream.once.clear()
    for call in received:
        _expect_only_the_credential(call, request.module.API, running_vault.token)
    assert left == []


def _expect_only_the_credential(call: Call, api: Api, token: str) -> None:
    header, _ = api.credential
    whole = "\n".join([call.target, *(part for pair in call.headers for part in pair), call.body.decode("latin-1")])
    assert "tok_" not in whole
    for form in (token, f"{token}:", f":{token}"):
        assert base64.b64encode(form.encode()).decode().rstrip("=") not in whole
    credentials = call.header(header)
    assert len(credentials) == 1
    assert whole.count(credentials[0]) == 1
    for other in {"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"} - {header}:
        assert call.header(other) == []
