"""What admins do with a vault, by both clients against the built vault-server."""

from __future__ import annotations

from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from built_server import in_turn
from loopback_http import RawHandler, serving
from vault_proxy import (
    FileInfo,
    PolicyContent,
    ServiceDefinition,
    ServiceTest,
    ServiceUpdate,
    TokenInfo,
    VaultClient,
    VaultError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UseClient = Callable[..., Any]

PASSWORD = "correct horse battery staple"
KEY = "management-key-0123456789"
READ_ONLY: PolicyContent = {"rules": [{"service": "kept", "methods": ["GET"], "paths": ["/public/**"]}]}


class Api(RawHandler):
    """Answers 200 with the key, 401 without; `/broken` is broken, and `/large` would take long to read."""

    def answer(self) -> None:
        self.read_body()
        if self.headers["x-key"] != KEY:
            self.send_whole(401, {}, b"no key")
        elif self.target == "/large":
            self.send_response(200)
            self.send_header("content-length", str(1 << 40))
            self.end_headers()
            self.wfile.write(b"x" * 1024)
            self.close_connection = True
        else:
            self.send_whole(500 if self.target == "/broken" else 200, {}, b"fine")


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def definition_of(name: str, api_url: str) -> ServiceDefinition:
    return {
        "name": name,
        "base_url": api_url,
        "auth": {"type": "header", "header_name": "X-Key", "header_value": KEY},
        "allow_private": True,
    }


@pytest.fixture(scope="module")
def admin(vault_addr: str, api_url: str) -> str:
    """Create the vault with the service `kept`, and give an admin's token."""
    with VaultClient(vault_addr) as client:
        issued = client.unlock(PASSWORD)
        client.add_service(definition_of("kept", api_url))
        return issued.id


@pytest.fixture
def use_admin(use_client: UseClient, vault_addr: str, admin: str) -> Callable[[Callable[[Any], Any]], Any]:
    return lambda call: use_client(call, vault_addr, admin)


def test_a_service_is_added_shown_changed_and_removed(use_admin: Callable[..., Any], api_url: str) -> None:
    added = use_admin(lambda c: c.add_service(definition_of("svc", api_url)))
    assert (added.name, added.auth_type, added.header_name, added.extra) == ("svc", "header", "X-Key", {})
    assert KEY not in repr(added)
    update: ServiceUpdate = {
        "base_url": f"{api_url}/v2",
        "auth": {"type": "header", "header_name": "X-Key"},
        "allow_private": True,
        "response_timeout": "5s",
    }
    changed = use_admin(lambda c: c.update_service("svc", update))
    assert (changed.base_url, changed.response_timeout) == (f"{api_url}/v2", "5s")
    assert use_admin(lambda c: c.get_service("svc")) == changed
    assert use_admin(lambda c: c.test_service("svc")).ok
    assert [service.name for service in use_admin(lambda c: c.list_services())] == ["kept", "svc"]
    assert use_admin(lambda c: c.remove_service("svc")) is None
    with pytest.raises(VaultError) as gone:
        use_admin(lambda c: c.get_service("svc"))
    assert gone.value.code == "not_found"


@pytest.mark.parametrize("change", [{"auth": {"type": "nothing"}}, {"base_url": "ftp://x"}, {"colour": "red"}])
def test_what_is_no_service_is_refused_with_the_field(use_admin: Callable[..., Any], change: Any) -> None:
    with pytest.raises(VaultError) as refused:
        use_admin(lambda c: c.add_service({**definition_of("bad", "http://127.0.0.1:1"), **change}))
    assert refused.value.code == "invalid_request"
    assert next(iter(change)) in refused.value.message


def test_a_test_call_tells_who_refused(use_admin: Callable[..., Any], api_url: str) -> None:
    wrong: Any = {**definition_of("wrong", api_url), "auth": {"type": "bearer", "token": "wrong-key-0123456789"}}
    use_admin(lambda c: c.add_service(wrong))
    results = {
        where: use_admin(lambda c, where=where: c.test_service(*where))
        for where in [("kept", "/"), ("kept", "/large"), ("kept", "/broken"), ("wrong", "/"), ("nothing", "/")]
    }
    use_admin(lambda c: c.remove_service("wrong"))
    assert results == {
        ("kept", "/"): ServiceTest(True, 200),
        ("kept", "/large"): ServiceTest(True, 200),
        ("kept", "/broken"): ServiceTest(False, 500, "the API answered HTTP 500"),
        ("wrong", "/"): ServiceTest(False, 401, "the API refused the credential (HTTP 401)"),
        ("nothing", "/"): ServiceTest(False, 404, results["nothing", "/"].error, "not_found"),
    }
    assert results["nothing", "/"].error


@pytest.mark.parametrize("name", ["key.json", "a b%2F+é?#.pem", "x" * 255])
def test_a_file_is_kept_under_its_name_byte_for_byte(use_admin: Callable[..., Any], name: str, tmp_path: Path) -> None:
    content = bytes(range(256))
    local = tmp_path / "local"
    local.write_bytes(content)
    for source in (content, local, str(local)):
        stored = use_admin(lambda c, source=source: c.upload_file(name, source))
        assert isinstance(stored, FileInfo)
        assert (stored.name, stored.size) == (name, 256)
    with local.open("rb") as open_file:
        use_admin(lambda c: c.upload_file(name, open_file))
        assert not open_file.closed
    (listed,) = use_admin(lambda c: c.list_files())
    assert (listed.name, listed.size, listed.extra) == (name, 256, {})
    assert listed.created_at is not None
    assert use_admin(lambda c: c.get_file(name)) == content
    assert use_admin(lambda c: c.delete_file(name)) is None
    assert use_admin(lambda c: c.list_files()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a..b", "a\nb", "x" * 256, "\ud800"])
def test_what_is_no_name_of_a_file_is_not_sent(use_admin: Callable[..., Any], name: str) -> None:
    for call in (lambda c: c.upload_file(name, b""), lambda c: c.get_file(name), lambda c: c.delete_file(name)):
        with pytest.raises(ValueError, match="a file's name"):
            use_admin(call)


def test_tokens_are_minted_listed_and_revoked(
    use_admin: Callable[..., Any], use_client: UseClient, vault_addr: str
) -> None:
    minted = use_admin(lambda c: c.create_token(name="bot", ttl="1h", policy=READ_ONLY))
    assert (minted.scope, minted.name, minted.policy, minted.extra) == ("proxy", "bot", READ_ONLY, {})
    child = use_client(lambda c: c.create_child_token(name="child", ttl="5m"), vault_addr, minted.id)
    assert use_client(lambda c: c.proxy("kept", "GET", "/public/x"), vault_addr, child.id).text == "fine"
    with pytest.raises(VaultError) as denied:
        use_client(lambda c: c.proxy("kept", "GET", "/private"), vault_addr, child.id)
    assert denied.value.code == "policy_denied"
    listed = {token.name: token for token in use_admin(lambda c: c.list_tokens())}
    of_bot, of_child = listed["bot"], listed["child"]
    assert isinstance(of_bot, TokenInfo)
    assert minted.id.startswith(of_bot.id_prefix.removesuffix("..."))
    assert (of_bot.policy, of_bot.extra, of_child.parent) == (READ_ONLY, {}, of_bot.id_prefix)
    use_admin(lambda c: c.revoke_token(of_bot.id_prefix))
    for token in (minted.id, child.id):
        with pytest.raises(VaultError) as revoked:
            use_client(lambda c: c.list_services(), vault_addr, token)
        assert revoked.value.code == "unauthorized"
    with pytest.raises(VaultError) as unknown:
        use_admin(lambda c: c.revoke_token(minted.id))
    assert unknown.value.code == "not_found"


def test_a_token_gives_itself_up(use_admin: Callable[..., Any], use_client: UseClient, vault_addr: str) -> None:
    minted = use_admin(lambda c: c.create_token(ttl="1h"))
    assert use_client(lambda c: c.revoke_own_token(), vault_addr, minted.id) is None
    with pytest.raises(VaultError) as revoked:
        use_client(lambda c: c.list_services(), vault_addr, minted.id)
    assert revoked.value.code == "unauthorized"
    with VaultClient(vault_addr, use_admin(lambda c: c.create_token(ttl="1h")).id) as client:
        client.revoke_own_token()
        assert client.token is None


def test_policies_are_kept_and_asked(use_admin: Callable[..., Any]) -> None:
    added = use_admin(lambda c: c.add_policy("reader", READ_ONLY, description="reads"))
    assert (added.content, added.version, added.description, added.extra) == (READ_ONLY, 1, "reads", {})
    assert use_admin(lambda c: c.update_policy("reader", {**READ_ONLY, "limits": {"max_uses": 3}})).version == 2
    assert [policy.name for policy in use_admin(lambda c: c.list_policies())] == ["reader"]
    assert use_admin(lambda c: c.test_policy("reader", "kept", method="GET", path="/public/x")).allowed
    assert not use_admin(lambda c: c.test_policy("reader", "kept", method="POST", path="/public/x")).allowed
    assert use_admin(lambda c: c.get_policy("reader")).content["limits"] == {"max_uses": 3}
    assert use_admin(lambda c: c.remove_policy("reader")) is None


def test_the_audit_log_is_read_page_by_page(use_admin: Callable[..., Any]) -> None:
    for path in ("/1", "/2", "/3"):
        use_admin(lambda c, path=path: c.proxy("kept", "GET", path))
    page = use_admin(lambda c: c.list_audit(limit=2, service="kept"))
    assert [entry["path"] for entry in page.entries] == ["/3", "/2"]
    assert use_admin(lambda c: c.list_audit(limit=1, before=page.next, service="kept")).entries[0]["path"] == "/1"
    whole = use_admin(lambda c: c.iter_audit(page_size=2))
    numbers = [entry["seq"] for entry in whole]
    assert numbers == list(range(numbers[0], 0, -1))
    refused = use_admin(lambda c: c.iter_audit(decision="deny", action="proxy", page_size=1))
    assert {entry["decision"] for entry in refused} <= {"deny"}
    assert use_admin(lambda c: c.iter_audit(service="no-such-service")) == []


def test_health_tells_admins_more(use_admin: Callable[..., Any], use_client: UseClient, vault_addr: str) -> None:
    health = use_admin(lambda c: c.health_details())
    assert (health.status, health.initialized, health.extra) == ("unlocked", True, {})
    assert health.details is not None
    assert health.details["services"] == 1
    assert health.details["vault"]["generation"] > 0
    anyone = use_client(lambda c: c.health_details(), vault_addr)
    assert (anyone.status, anyone.version, anyone.details) == ("unlocked", health.version, None)


def test_metrics_are_for_those_who_may_read_them(
    use_admin: Callable[..., Any], use_client: UseClient, vault_addr: str
) -> None:
    scraper = use_admin(lambda c: c.create_token("metrics", ttl="1h"))
    for text in (use_admin(lambda c: c.metrics()), use_client(lambda c: c.metrics(), vault_addr, scraper.id)):
        assert "# TYPE vault_proxy_calls_total counter" in text
    with pytest.raises(VaultError) as refused:
        use_client(lambda c: c.list_services(), vault_addr, scraper.id)
    assert refused.value.code == "forbidden"
    agent = use_admin(lambda c: c.create_token(ttl="1h"))
    with pytest.raises(VaultError) as not_theirs:
        use_client(lambda c: c.metrics(), vault_addr, agent.id)
    assert not_theirs.value.code == "forbidden"


def test_the_password_is_changed_and_a_recovery_key_opens_too(vault_addr: str, admin: str) -> None:
    with VaultClient(vault_addr, admin) as client:
        key = in_turn(lambda: client.create_recovery_key(PASSWORD))
        assert in_turn(lambda: client.unlock(key)).scope == "admin"
        in_turn(lambda: client.change_password(PASSWORD, "a new battery staple"))
        with pytest.raises(VaultError) as wrong:
            in_turn(lambda: client.change_password(PASSWORD, "another battery staple"))
    assert wrong.value.code == "unauthorized"
