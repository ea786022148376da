"""The `requests` package."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from sdks.things import API, WORDS
from sdks.upstream import Lockstep, as_json

if TYPE_CHECKING:
    from sdks.conftest import SdkVault

__all__ = ["API"]

TIMEOUT = 20


def connect(token: str) -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    return session


def test_a_session_calls_with_the_address_in_the_url_and_the_token_in_a_header(vault: SdkVault) -> None:
    with connect(vault.token) as session:
        got = session.get(vault.url("/v1/things"), params={"q": "ü &"}, timeout=TIMEOUT)
        posted = session.post(vault.url("/v1/things"), json={"a": 1}, timeout=TIMEOUT)
    assert got.json() == {"q": "ü &"}
    assert (posted.status_code, posted.json()) == (201, {"kind": "application/json", "body": {"a": 1}})


def test_the_token_is_taken_as_user_name_of_basic_auth(vault: SdkVault) -> None:
    answer = requests.get(vault.url("/v1/things"), auth=(vault.token, ""), timeout=TIMEOUT)
    assert answer.status_code == 200


def test_a_file_is_uploaded_as_multipart_form_data(vault: SdkVault) -> None:
    with connect(vault.token) as session:
        posted = session.post(vault.url("/v1/things"), files={"file": ("a.txt", b"x" * 300_000)}, timeout=TIMEOUT)
    assert posted.json()["kind"] == "multipart/form-data"
    assert b'filename="a.txt"' in vault.received()[0].body


def test_the_pieces_of_a_stream_arrive_one_by_one(vault: SdkVault) -> None:
    steps = Lockstep(WORDS)
    vault.answer_once(steps.reply("application/x-ndjson"))
    got = []
    with connect(vault.token) as session, session.get(vault.url("/v1/x"), stream=True, timeout=TIMEOUT) as answer:
        for piece in answer.iter_content(chunk_size=None):
            got.append(piece)
            steps.took()
    assert got == WORDS


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_on_the_same_origin_stays_in_the_vault(vault: SdkVault, method: str) -> None:
    with connect(vault.token) as session:
        answer = session.request(
            method, vault.url("/v1/old"), json={"a": 1} if method == "POST" else None, timeout=TIMEOUT
        )
    assert answer.url == vault.url("/v1/things?q=moved")
    assert answer.status_code == (201 if method == "POST" else 200)
    assert len(vault.received()) == 2


def test_a_500_is_tried_again_by_an_adapter_with_retries(vault: SdkVault) -> None:
    vault.answer_once(as_json({"message": "oops"}, 500))
    with connect(vault.token) as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(total=1, status_forcelist=[500])))
        assert session.get(vault.url("/v1/things"), timeout=TIMEOUT).json() == {"q": None}
    assert len(vault.received()) == 2


def test_a_key_that_the_api_refuses_is_a_401_of_the_api(vault: SdkVault) -> None:
    with connect(vault.token) as session:
        answer = session.get(vault.url("/v1/things", "wrong"), timeout=TIMEOUT)
    assert (answer.status_code, answer.json()) == (401, {"message": "unauthorized"})


def test_a_revoked_vault_token_is_an_http_error_of_the_vault(vault: SdkVault) -> None:
    with connect(vault.revoked_token()) as session:
        answer = session.get(vault.url("/v1/things"), timeout=TIMEOUT)
    with pytest.raises(requests.HTTPError):
        answer.raise_for_status()
    assert (answer.status_code, answer.headers["x-vault-error"]) == (401, "unauthorized")
    assert vault.received() == []


def test_an_egress_proxy_of_the_environment_needs_an_exception_for_the_vault(
    vault: SdkVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with connect(vault.token) as session:
        with pytest.raises(requests.exceptions.ProxyError):
            session.get(vault.url("/v1/things"), timeout=TIMEOUT)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        assert session.get(vault.url("/v1/things"), timeout=TIMEOUT).status_code == 200
