"""Servers reached by SSH, against a stub of the vault: what is sent, and what is made of the answers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from conftest import Answer, StubVault
from vault_proxy import (
    AsyncVaultClient,
    SshExecResult,
    SshExit,
    SshOutput,
    VaultClient,
    VaultConnectionError,
    VaultError,
)
from vault_proxy.operations.ssh import exec_timeout
from vault_proxy.ssh_exec import ExecEvents

if TYPE_CHECKING:
    from pathlib import Path

UseClient = Callable[..., Any]

EXEC = ("POST", "/ssh/box/exec")
RESULT: dict[str, Any] = {"stdout": "ü\n", "stderr": "", "exit_code": 3, "duration_ms": 5, "truncated": False}
LINES: list[dict[str, Any]] = [
    {"type": "stdout", "data": "grüße\n"},
    {"type": "stderr", "data_base64": "/wA="},
    {"type": "exit", "exit_code": 143, "duration_ms": 7, "signal": "TERM", "truncated": True},
]
EVENTS = [
    SshOutput("stdout", "grüße\n".encode()),
    SshOutput("stderr", b"\xff\x00"),
    SshExit(exit_code=143, duration_ms=7, signal="TERM", truncated=True),
]
FAILURE = {"type": "error", "status": 504, "error": "the command did not end within 1 s", "code": "upstream_timeout"}
SERVICE = {"name": "box", "auth_type": "ssh_key", "ssh_connected": True, "ssh_host_key_fingerprint": "SHA256:x"}


def ndjson(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def test_a_command_is_sent_with_what_was_given_and_nothing_else(vault: StubVault, use_client: UseClient) -> None:
    vault.answers[EXEC] = Answer(200, json.dumps(RESULT).encode())
    result = use_client(lambda c: c.ssh_exec("box", "uptime"), vault.addr, "tok_x")
    assert result == SshExecResult(3, 5, None, False, "ü\n", "", "ü\n".encode(), b"")
    use_client(lambda c: c.ssh_exec("box", "cat", timeout=2.5, stdin="ü"), vault.addr)
    use_client(lambda c: c.ssh_exec("box", "cat", stdin=b"\xff"), vault.addr)
    assert [json.loads(seen.body) for seen in vault.seen] == [
        {"command": "uptime"},
        {"command": "cat", "timeout": 2.5, "stdin": "ü"},
        {"command": "cat", "stdin_base64": "/w=="},
    ]
    assert vault.seen[0].headers["authorization"] == "Bearer tok_x"


def test_output_that_is_no_text_is_there_as_bytes(vault: StubVault, use_client: UseClient) -> None:
    vault.answers[EXEC] = Answer(200, json.dumps({**RESULT, "stdout": "\ufffd", "stdout_base64": "/w=="}).encode())
    result = use_client(lambda c: c.ssh_exec("box", "x"), vault.addr)
    assert (result.stdout, result.stdout_bytes) == ("\ufffd", b"\xff")


def test_output_is_streamed(vault: StubVault, use_client: UseClient) -> None:
    vault.answers[EXEC] = Answer(200, ndjson(LINES))
    assert use_client(lambda c: c.ssh_exec_stream("box", "x", timeout=1), vault.addr) == EVENTS
    assert vault.seen[0].headers["accept"] == "application/x-ndjson"


def test_lines_are_read_however_they_are_cut() -> None:
    whole = ndjson(LINES)
    for at in range(len(whole) + 1):
        events = ExecEvents()
        assert [*events.feed(whole[:at]), *events.feed(whole[at:]), *events.finish()] == EVENTS
    events = ExecEvents()
    bytewise = [event for byte in whole for event in events.feed(bytes([byte]))]
    assert bytewise == EVENTS


def test_a_last_line_needs_no_end() -> None:
    events = ExecEvents()
    assert [*events.feed(ndjson(LINES)[:-1]), *events.finish()] == EVENTS


def test_a_failure_in_the_middle_is_raised(vault: StubVault, use_client: UseClient) -> None:
    vault.answers[EXEC] = Answer(200, ndjson([*LINES[:2], FAILURE]), {"x-vault-request-id": "req_1"})
    with pytest.raises(VaultError) as error:
        use_client(lambda c: c.ssh_exec_stream("box", "x"), vault.addr)
    assert (error.value.status_code, error.value.code) == (504, "upstream_timeout")
    assert error.value.request_id == "req_1"


def test_a_refusal_before_any_output_is_raised(vault: StubVault, use_client: UseClient) -> None:
    body = json.dumps({"error": "command: not allowed", "code": "forbidden"}).encode()
    vault.answers[EXEC] = Answer(403, body, {"x-vault-error": "forbidden"})
    for call in (lambda c: c.ssh_exec("box", "x"), lambda c: c.ssh_exec_stream("box", "x")):
        with pytest.raises(VaultError) as error:
            use_client(call, vault.addr)
        assert (error.value.status_code, error.value.code, error.value.response) == (403, "forbidden", None)


def test_an_answer_without_the_commands_end_is_cut_off(vault: StubVault, use_client: UseClient) -> None:
    vault.answers[EXEC] = Answer(200, ndjson(LINES[:2]))
    with pytest.raises(VaultConnectionError, match="before it told how the command ended"):
        use_client(lambda c: c.ssh_exec_stream("box", "x"), vault.addr)


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"[]",
        b'{"type":"other"}',
        b'{"type":"stdout"}',
        b'{"type":"stdout","data":5}',
        b'{"type":"stdout","data_base64":"!"}',
        b'{"type":"exit","exit_code":"0","duration_ms":1,"truncated":false}',
        b'{"type":"exit","exit_code":0,"duration_ms":1}',
        b'{"type":"error","error":"x","code":"y"}',
        b"\xff",
        b"x" * (4 * 1024 * 1024 + 1),
    ],
)
def test_a_line_that_no_vault_sends_is_told(line: bytes) -> None:
    for end in (b"", b"\n"):
        events = ExecEvents()
        with pytest.raises(VaultError) as error:
            _ = [*events.feed(line + end), *events.finish()]
        assert error.value.code == "unexpected_answer"
        assert error.value.__context__ is None


@pytest.mark.parametrize("missing", ["stdout", "stderr", "exit_code", "duration_ms", "truncated"])
def test_a_result_that_no_vault_sends_is_told(vault: StubVault, use_client: UseClient, missing: str) -> None:
    body = {name: value for name, value in RESULT.items() if name != missing}
    vault.answers[EXEC] = Answer(200, json.dumps(body).encode())
    with pytest.raises(VaultError) as error:
        use_client(lambda c: c.ssh_exec("box", "x"), vault.addr)
    assert error.value.code == "unexpected_answer"


def test_the_client_waits_as_long_as_the_command_may_take() -> None:
    own = httpx.Timeout(60, connect=1)
    assert exec_timeout(own, None) == httpx.Timeout(connect=1, read=75, write=60, pool=60)
    assert exec_timeout(own, 300).read == 345
    assert exec_timeout(own, 1).read == 60
    assert exec_timeout(httpx.Timeout(None), 300).read is None


@pytest.mark.parametrize("kind", ["bytes", "path", "text path", "file"])
def test_a_file_is_uploaded_as_a_form(vault: StubVault, use_client: UseClient, tmp_path: Path, kind: str) -> None:
    local = tmp_path / "local"
    local.write_bytes(b"\x00content\xff")
    route = ("POST", "/ssh/box/upload")
    vault.answers[route] = Answer(200, b'{"ok":true,"bytes":9,"remote_path":"/srv/x"}')
    opened = io.BytesIO(local.read_bytes())
    source = {"bytes": local.read_bytes(), "path": local, "text path": str(local), "file": opened}[kind]
    assert use_client(lambda c: c.ssh_upload("box", "/srv/ü x", source, mode=0o755), vault.addr) == 9
    [seen] = vault.seen
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
    head, _, tail = seen.body.partition(b"\x00content\xff")
    assert b'name="remote_path"\r\n\r\n/srv/\xc3\xbc x\r\n' in head
    assert b'name="mode"\r\n\r\n0755\r\n' in head
    assert b'name="file"' in head
    assert tail.count(b"--") == 2
    assert not opened.closed


def test_an_upload_without_a_mode_names_none(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["POST", "/ssh/box/upload"] = Answer(200, b'{"ok":true,"bytes":0,"remote_path":"/srv/x"}')
    use_client(lambda c: c.ssh_upload("box", "/srv/x", b""), vault.addr)
    assert b'name="mode"' not in vault.seen[0].body


def test_a_file_is_downloaded_whole_and_in_pieces(vault: StubVault, use_client: UseClient) -> None:
    vault.answers["POST", "/ssh/box/download"] = Answer(200, b"\xffbytes")
    assert use_client(lambda c: c.ssh_download("box", "/srv/x"), vault.addr) == b"\xffbytes"
    assert b"".join(use_client(lambda c: c.ssh_download_stream("box", "/srv/x"), vault.addr)) == b"\xffbytes"
    assert [json.loads(seen.body) for seen in vault.seen] == [{"remote_path": "/srv/x"}] * 2
    vault.answers["POST", "/ssh/box/download"] = Answer(404, b'{"error":"no such file","code":"not_found"}')
    for call in (lambda c: c.ssh_download("box", "/x"), lambda c: c.ssh_download_stream("box", "/x")):
        with pytest.raises(VaultError, match="no such file"):
            use_client(call, vault.addr)


@pytest.mark.parametrize(
    ("addr", "url"),
    [
        ("http://127.0.0.1:8390", "ws://127.0.0.1:8390/ssh/box/session?cols=80&rows=24"),
        ("https://vault.example/base/", "wss://vault.example/base/ssh/box/session?cols=80&rows=24"),
        ("unix:/run/vault.sock", "ws+unix:/run/vault.sock:/ssh/box/session?cols=80&rows=24"),
    ],
)
def test_a_terminals_address_holds_no_token(addr: str, url: str) -> None:
    with VaultClient(addr, "tok_secret") as client:
        assert client.ssh_session_url("box", cols=80, rows=24) == url
        assert client.ssh_session_url("box").endswith("/ssh/box/session")
    assert AsyncVaultClient(addr, "tok_secret").ssh_session_url("box", cols=80, rows=24) == url


def test_host_keys_are_set_and_cleared(vault: StubVault, use_client: UseClient) -> None:
    for method in ("PUT", "DELETE"):
        vault.answers[method, "/services/box/host-key"] = Answer(200, json.dumps(SERVICE).encode())
    pinned = use_client(lambda c: c.set_host_key("box", "SHA256:x"), vault.addr)
    assert (pinned.ssh_connected, pinned.ssh_host_key_fingerprint, pinned.extra) == (True, "SHA256:x", {})
    assert use_client(lambda c: c.clear_host_key("box"), vault.addr).name == "box"
    assert [(seen.method, seen.body) for seen in vault.seen] == [("PUT", b'{"host_key":"SHA256:x"}'), ("DELETE", b"")]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda c: c.ssh_exec("a/b", "x"), "a service name has"),
        (lambda c: c.ssh_exec_stream("../x", "x"), "a service name has"),
        (lambda c: c.ssh_upload("a?b", "/x", b""), "a service name has"),
        (lambda c: c.ssh_upload("box", "/x", b"", mode="rw"), "a mode has"),
        (lambda c: c.ssh_upload("box", "/x", b"", mode=0o77777), "a mode has"),
        (lambda c: c.ssh_download("", "/x"), "a service name has"),
        (lambda c: c.set_host_key("a/b", "x"), "a service name has"),
        (lambda c: c.clear_host_key("a/b"), "a service name has"),
    ],
)
def test_what_names_nothing_is_not_sent(
    vault: StubVault, use_client: UseClient, call: Callable[[Any], Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        use_client(call, vault.addr)
    assert vault.seen == []
