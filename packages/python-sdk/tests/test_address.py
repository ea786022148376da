from __future__ import annotations

from typing import Any

import pytest

from vault_proxy.address import VaultAddress, is_loopback_host, resolve_address


def test_the_default_is_the_vaults_default_port_on_loopback() -> None:
    assert resolve_address(None, {}) == VaultAddress("http://127.0.0.1:8390")


def test_the_argument_wins_then_the_socket_then_the_address_of_the_environment() -> None:
    environment = {"VAULT_PROXY_SOCK": "/run/a.sock", "VAULT_ADDR": "http://127.0.0.1:1"}
    assert resolve_address("http://127.0.0.1:2", environment).origin == "http://127.0.0.1:2"
    assert resolve_address(None, environment).socket_path == "/run/a.sock"
    assert resolve_address(None, {"VAULT_ADDR": "http://127.0.0.1:1"}).origin == "http://127.0.0.1:1"


def test_an_empty_variable_counts_as_unset() -> None:
    assert resolve_address(None, {"VAULT_PROXY_SOCK": "", "VAULT_ADDR": ""}).origin == "http://127.0.0.1:8390"


def test_an_empty_argument_counts_as_not_given() -> None:
    environment = {"VAULT_PROXY_SOCK": "/run/a.sock", "VAULT_ADDR": "http://127.0.0.1:1"}
    assert resolve_address("", environment).socket_path == "/run/a.sock"
    assert resolve_address("", {}) == VaultAddress("http://127.0.0.1:8390")


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("localhost:8390", r"\(write http://localhost:8390\)"),
        ("127.0.0.1", r"\(write http://127.0.0.1\)"),
        ("[::1]:8390", r"\(write http://\[::1\]:8390\)"),
        ("vault.example", r"\(write https://vault.example\)"),
        ("/run/a.sock", r"\(of a unix socket unix:/path/to.sock, with the whole path\)"),
        ("~/a.sock", r"\(of a unix socket unix:/path/to.sock, with the whole path\)"),
        ("tok_hush", r"\(this is a token, which is given as token=\)"),
        (" http://127.0.0.1", r"\(without the space or the line end around it\)"),
        ("http://127.0.0.1\n", r"\(without the space or the line end around it\)"),
        ("user:hush@127.0.0.1", "or unix:"),
    ],
)
def test_a_wrong_address_is_told_with_where_it_stood_and_what_to_write(text: str, mend: str) -> None:
    for argument, environment, source in ((text, {}, "addr="), (None, {"VAULT_ADDR": text}, "VAULT_ADDR")):
        with pytest.raises(ValueError, match=f"^the vault's address \\({source}\\) .*{mend}$") as raised:
            resolve_address(argument, environment)
        assert "hush" not in str(raised.value)


@pytest.mark.parametrize("addr", [5, b"http://127.0.0.1:1", ["http://127.0.0.1:1"]])
def test_an_address_that_is_no_text_is_refused(addr: Any) -> None:
    with pytest.raises(TypeError, match=r"^addr is text, such as 'http://127.0.0.1:8390'"):
        resolve_address(addr, {})


@pytest.mark.parametrize("text", ["unix:/run/a.sock", "unix:///run/a.sock"])
def test_a_unix_socket_is_read_in_both_spellings(text: str) -> None:
    assert resolve_address(text, {}).socket_path == "/run/a.sock"
    assert resolve_address(None, {"VAULT_ADDR": text}).socket_path == "/run/a.sock"
    assert resolve_address(None, {"VAULT_PROXY_SOCK": text}).socket_path == "/run/a.sock"


def test_a_base_path_is_kept_without_its_last_slash() -> None:
    address = resolve_address("https://vault.example/team/", {})
    assert (address.origin, address.base_path) == ("https://vault.example", "/team")


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:8390",
        "ftp://127.0.0.1",
        "http://",
        "unix:",
        "http://user:pw@127.0.0.1",
        "http://127.0.0.1/?a=1",
        "http://127.0.0.1/#x",
        "http://127.0.0.1:port",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
    ],
)
def test_what_is_no_address_of_a_vault_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the vault's address"):
        resolve_address(text, {})


@pytest.mark.parametrize(
    "host",
    ["vault.example", "10.0.0.1", "0.0.0.0", "[::]", "127.0.0.1.example.com", "localhost.example", "[::ffff:10.0.0.1]"],
)
def test_plaintext_to_another_machine_is_refused_unless_asked_for(host: str) -> None:
    with pytest.raises(ValueError, match="plaintext HTTP"):
        resolve_address(f"http://{host}:8390", {})
    with pytest.raises(ValueError, match="plaintext HTTP"):
        resolve_address(None, {"VAULT_ADDR": f"http://{host}:8390"})
    assert resolve_address(f"http://{host}:8390", {}, allow_insecure=True).origin == f"http://{host}:8390"
    assert resolve_address(f"https://{host}:8390", {}).origin == f"https://{host}:8390"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST"])
def test_loopback_is_known_in_every_spelling(host: str) -> None:
    assert is_loopback_host(host)


def test_the_environments_proxy_is_for_tls_to_another_machine_only() -> None:
    assert resolve_address("https://vault.example", {}).may_use_egress_proxy
    assert not resolve_address("https://127.0.0.1", {}).may_use_egress_proxy
    assert not resolve_address("http://10.0.0.1", {}, allow_insecure=True).may_use_egress_proxy
    assert not resolve_address("unix:/run/a.sock", {}).may_use_egress_proxy
