"""What the package offers: the same of both clients, documented, and something for every route of the vault."""

from __future__ import annotations

import inspect
import json
import pydoc
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints, is_typeddict

import httpx
import pytest

import vault_proxy
from conftest import Answer, StubVault
from vault_proxy import AsyncVaultClient, AuthDefinition, ServiceInfo, ServiceSettings, VaultClient, VaultError
from vault_proxy.asynchronous.connection import AsyncConnection
from vault_proxy.blocking.connection import BlockingConnection

UseClient = Callable[..., Any]

TOKEN = "tok_" + "a" * 43
RULES: Any = {"rules": [{"service": "api"}]}
SERVICE: Any = {"name": "api", "base_url": "https://api.example.com", "auth": {"type": "bearer", "token": "k"}}

CALLS: list[Callable[[Any], Any]] = [
    lambda c: c.health(),
    lambda c: c.health_tokens(),
    lambda c: c.metrics(),
    lambda c: c.unlock("correct horse"),
    lambda c: c.lock(),
    lambda c: c.change_password("correct horse", "correct mule"),
    lambda c: c.create_recovery_key("correct horse"),
    lambda c: c.oauth_authorize("api", "https://api.example.com"),
    lambda c: c.oauth_device("api", "https://api.example.com"),
    lambda c: c.oauth_flow("flow"),
    lambda c: c.cancel_oauth_flow("flow"),
    lambda c: c.list_services(),
    lambda c: c.get_service("api"),
    lambda c: c.add_service(SERVICE),
    lambda c: c.update_service("api", SERVICE),
    lambda c: c.patch_service("api", {"description": None}),
    lambda c: c.remove_service("api"),
    lambda c: c.set_host_key("api", "SHA256:x"),
    lambda c: c.clear_host_key("api"),
    lambda c: c.upload_file("key.json", b"{}"),
    lambda c: c.list_files(),
    lambda c: c.get_file("key.json"),
    lambda c: c.delete_file("key.json"),
    lambda c: c.create_token(),
    lambda c: c.create_child_token(),
    lambda c: c.list_tokens(),
    lambda c: c.revoke_token("tok_a"),
    lambda c: c.revoke_own_token(),
    lambda c: c.resume_token("tok_a"),
    lambda c: c.list_policies(),
    lambda c: c.get_policy("p"),
    lambda c: c.add_policy("p", RULES),
    lambda c: c.update_policy("p", RULES),
    lambda c: c.remove_policy("p"),
    lambda c: c.test_policy("p", "api", method="GET", path="/"),
    lambda c: c.list_audit(),
    lambda c: c.iter_audit(),
    *(lambda c, p=protocol: c.session(p, "api") for protocol in ("imap", "smtp", "redis", "postgres")),
    lambda c: c.list_sessions(),
    lambda c: c.close_session("ses_1"),
    lambda c: c.ssh_exec("api", "true"),
    lambda c: c.ssh_exec_stream("api", "true"),
    lambda c: c.ssh_upload("api", "/x", b""),
    lambda c: c.ssh_download("api", "/x"),
    lambda c: c.ssh_download_stream("api", "/x"),
    *(
        lambda c, m=method: c.proxy("api", m, "/x")
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    ),
    lambda c: c.proxy_stream("api", "GET", "/x"),
]

# The first is for browsers, the second a document, and the third is opened by WebSocket, for which there is a URL.
NOT_CALLED = {("GET", "/auth/oauth2/callback"), ("GET", "/openapi.json"), ("GET", "/ssh/{service}/session")}


@pytest.fixture(scope="module")
def openapi(vault_addr: str) -> Any:
    return httpx.get(f"{vault_addr}/openapi.json", trust_env=False).json()


def routes_of(openapi: Any) -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, item in openapi["paths"].items()
        for method in item
        if method != "parameters" and (method.upper(), path) not in NOT_CALLED
    }


def template_of(target: str, templates: set[str]) -> str:
    path = target.partition("?")[0]
    if path in templates:
        return path
    (found,) = (t for t in templates if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", t), path))
    return found


def test_every_route_of_the_vault_has_a_method_and_no_method_another(
    vault: StubVault, use_client: UseClient, openapi: Any
) -> None:
    routes = routes_of(openapi)
    refusal = json.dumps({"error": "no", "code": "forbidden"}).encode()
    vault.otherwise = Answer(403, refusal, {"content-type": "application/json", "x-vault-error": "forbidden"})
    for call in CALLS:
        with pytest.raises(VaultError) as refused:
            use_client(call, vault.addr, TOKEN)
        assert refused.value.status_code == 403
    templates = {path for _, path in routes}
    assert {(seen.method, template_of(seen.target, templates)) for seen in vault.seen} == routes


def public_methods(kind: type) -> dict[str, Any]:
    return {
        name: member
        for name, member in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") or name == "__init__"
    }


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    blocking, asynchronous = public_methods(VaultClient), public_methods(AsyncVaultClient)
    assert blocking.keys() == asynchronous.keys()
    for name, method in blocking.items():
        expected = [(p.name, p.kind, p.default) for p in inspect.signature(method).parameters.values()]
        other = inspect.signature(asynchronous[name]).parameters.values()
        assert [(p.name, p.kind, p.default) for p in other] == expected, name


def test_every_public_name_is_documented() -> None:
    assert sorted(vault_proxy.__all__) == vault_proxy.__all__
    for name in vault_proxy.__all__:
        thing = getattr(vault_proxy, name)
        # Aliases of types have what they stand for as their documentation.
        if inspect.isclass(thing):
            assert thing.__doc__, name
            assert not thing.__doc__.startswith(f"{name}("), name
    for kind in (VaultClient, AsyncVaultClient, BlockingConnection, AsyncConnection):
        for name, method in public_methods(kind).items():
            assert method.__doc__, f"{kind.__name__}.{name}"


def test_the_fields_of_every_public_type_are_known_at_run_time() -> None:
    for name in vault_proxy.__all__:
        thing = getattr(vault_proxy, name)
        if is_typeddict(thing) or is_dataclass(thing):
            assert get_type_hints(thing), name


def service_schema(openapi: Any) -> Any:
    schema = openapi["paths"]["/services"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return resolved(openapi, schema)


def resolved(openapi: Any, schema: Any) -> Any:
    while "$ref" in schema:
        schema = openapi["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def test_the_typed_definitions_of_auth_are_those_of_the_vault(openapi: Any) -> None:
    auth = resolved(openapi, service_schema(openapi)["properties"]["auth"])
    theirs = {}
    for variant in auth.get("oneOf") or auth["anyOf"]:
        schema = resolved(openapi, variant)
        (kind,) = resolved(openapi, schema["properties"]["type"])["enum"]
        theirs[kind] = (set(schema["properties"]), set(schema["required"]))
    ours = {}
    for kind in get_args(AuthDefinition):
        (name,) = re.findall(r"Literal\['(\w+)'\]|Literal\[\"(\w+)\"\]", str(kind.__annotations__["type"]))
        ours["".join(name)] = (set(kind.__annotations__), set(kind.__required_keys__))
    assert ours == theirs


def test_the_typed_settings_of_services_are_those_of_the_vault(openapi: Any) -> None:
    assert set(ServiceSettings.__annotations__) | {"name", "auth"} == set(service_schema(openapi)["properties"])


def test_service_info_has_a_place_for_each_field_of_the_vault(openapi: Any) -> None:
    answers = openapi["paths"]["/services/{name}"]["get"]["responses"]
    schema = resolved(openapi, answers["200"]["content"]["application/json"]["schema"])
    assert set(schema["properties"]) == {field.name for field in fields(ServiceInfo)} - {"extra"}


@pytest.mark.parametrize("kind", [VaultClient, AsyncVaultClient])
def test_help_and_messages_show_one_class_and_not_its_parts(kind: type[Any]) -> None:
    with pytest.raises(TypeError, match=rf"^{kind.__name__}\.proxy\(\) takes 4 positional arguments but 5 were given"):
        kind("http://127.0.0.1:1").proxy("api", "POST", "/", {"a": 1})
    methods = pydoc.plain(pydoc.render_doc(kind)).partition("Method resolution order")[2]
    assert f"class {kind.__name__} in module vault_proxy" in pydoc.plain(pydoc.render_doc(kind))
    own, _, inherited = methods.partition("Methods inherited from vault_proxy")
    assert re.search(r"^ \|  (async )?proxy\(", own, re.MULTILINE)
    assert re.findall(r"^ \|  (?:async )?([a-z]\w*)\(", inherited, re.MULTILINE) == []


def test_a_traceback_names_an_error_by_where_it_is_imported_from() -> None:
    for error in (VaultError, vault_proxy.VaultConnectionError, vault_proxy.VaultTimeoutError):
        assert error.__module__ == "vault_proxy"
