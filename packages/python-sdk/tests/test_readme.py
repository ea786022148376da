"""The examples of README.md, run as they stand against a vault with these APIs behind it."""

from __future__ import annotations

import json
import re
import socketserver
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from built_server import in_turn
from loopback_http import RawHandler, serving
from vault_proxy import VaultClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vault_proxy import ServiceDefinition

README = Path(__file__).parents[1] / "README.md"
PASSWORD = "correct horse battery staple"
KEY = "key-of-every-api-0123456789"
SECRET = "password-of-the-cache-0123"

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Hello back"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
CHUNK = {
    "id": "c1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "gpt-x",
    "choices": [{"index": 0, "delta": {"content": "Hello there"}, "finish_reason": None}],
}


class Api(RawHandler):
    """Every API of the examples at once; each accepts the key where it stands."""

    def answer(self) -> None:
        self.read_body()
        routes: dict[str, bytes] = {
            "/user": json.dumps({"login": "octocat"}).encode(),
            "/user/repos": b'[{"name": "hello-world"}]',
            "/v1/chat/completions": f"data: {json.dumps(CHUNK)}\n\ndata: [DONE]\n\n".encode(),
            "/v1/messages": json.dumps(MESSAGE).encode(),
            "/health": b"all is well",
        }
        path = self.target.partition("?")[0]
        kind = "text/event-stream" if path.endswith("completions") else "application/json"
        if KEY not in str(self.headers):
            self.send_whole(401, {}, b"no key")
        elif path in routes:
            self.send_whole(200, {"content-type": kind}, routes[path])
        else:
            self.send_whole(404, {}, b"Not Found at GitHub")


class Cache(socketserver.StreamRequestHandler):
    """A Redis server with one value, for who logs in."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            parts = []
            for _ in range(int(line[1:])):
                parts.append(self.rfile.read(int(self.rfile.readline()[1:])))
                self.rfile.readline()
            self.wfile.write(self.reply(parts[0].upper(), parts[1:]))

    def reply(self, command: bytes, arguments: list[bytes]) -> bytes:
        if command == b"AUTH":
            return b"+OK\r\n" if arguments[-1] == SECRET.encode() else b"-WRONGPASS no\r\n"
        if command == b"GET":
            return b"$11\r\nhello cache\r\n"
        return b"%1\r\n$5\r\nproto\r\n:3\r\n" if command == b"HELLO" else b"+OK\r\n"


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def token(vault_addr: str, api_url: str) -> Iterator[str]:
    cache = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Cache)
    cache.daemon_threads = True
    header: Any = {"type": "header", "header_name": "x-api-key", "header_value": KEY}
    definitions: list[ServiceDefinition] = [
        {"name": "github", "base_url": api_url, "auth": {"type": "bearer", "token": KEY}},
        {"name": "openai", "base_url": api_url, "auth": {"type": "bearer", "token": KEY}},
        {"name": "anthropic", "base_url": api_url, "auth": header},
        {
            "name": "cache",
            "auth": {
                "type": "redis",
                "redis_host": "127.0.0.1",
                "redis_port": cache.server_address[1],
                "redis_password": SECRET,
            },
            "max_connections": 10,
        },
    ]
    with serving(cache), VaultClient(vault_addr) as admin:
        admin.unlock(PASSWORD)
        for definition in definitions:
            admin.add_service({**definition, "allow_private": True})
        yield admin.create_token(ttl="1h").id


SAID = [
    ["['anthropic', 'cache', 'github', 'openai']", "hello-world", "Hello there", "404 None", "Not Found at GitHub"],
    ["octocat 1"],
    ["Hello there", "Hello back"],
    ["hello cache"],
    ["ServiceTest(ok=True, status=200", "all is well", "/health", "service.add"],
]


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)


def test_every_example_is_run() -> None:
    assert len(examples()) == len(SAID)


@pytest.fixture
def environment(vault_addr: str, token: str, api_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "VAULT_ADDR": vault_addr,
        "VAULT_TOKEN": token,
        "VAULT_PASSWORD": PASSWORD,
        "STATUS_URL": api_url,
        "STATUS_KEY": KEY,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("number", range(len(SAID)))
def test_an_example_runs_and_says_what_it_should(number: int, token: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = compile(examples()[number], f"README.md, example {number + 1}", "exec")
    in_turn(lambda: exec(code, {"__name__": "__main__"}))  # noqa: S102 - what README says is what is tested
    said = capsys.readouterr().out
    for text in SAID[number]:
        assert text in said
    assert KEY not in said
    assert token not in said


def test_the_table_names_every_method() -> None:
    table = README.read_text().partition("## Methods")[2].partition("\n## ")[0]
    methods = {name for name in dir(VaultClient) if not name.startswith("_")} - {"token"}
    assert {name for name in methods if f"`{name}(" not in table} == set()
