from __future__ import annotations

import pytest

from vault_proxy.request_target import proxy_target


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/a", "/proxy/svc/a"),
        ("a", "/proxy/svc/a"),
        ("", "/proxy/svc"),
        ("/", "/proxy/svc/"),
        ("?q=1", "/proxy/svc?q=1"),
        ("//x", "/proxy/svc//x"),
        ("/../x/./%2e%2E", "/proxy/svc/../x/./%2e%2E"),
        ("/a%2Fb%2fc", "/proxy/svc/a%2Fb%2fc"),
        ("/100%", "/proxy/svc/100%"),
        ("/a b/é", "/proxy/svc/a%20b/%C3%A9"),
    ],
)
def test_the_path_is_kept_byte_for_byte(path: str, target: str) -> None:
    assert proxy_target("svc", path) == target


def test_every_visible_ascii_character_but_the_fragment_sign_stays_as_it_is() -> None:
    visible = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "#")
    assert proxy_target("svc", f"/{visible}") == f"/proxy/svc/{visible}"


@pytest.mark.parametrize("char", [*map(chr, range(0x20)), "\x7f"])
def test_a_control_character_is_refused(char: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        proxy_target("svc", f"/a{char}b")


@pytest.mark.parametrize("path", ["/\ud800", "\udfff", "/a?q=\udc00b"])
def test_half_of_a_character_is_refused_in_words(path: str) -> None:
    with pytest.raises(ValueError, match="half of a character"):
        proxy_target("svc", path)
    with pytest.raises(ValueError, match="half of a character"):
        proxy_target("svc", "/", {"q": path})
    assert proxy_target("svc", "/🎉") == "/proxy/svc/%F0%9F%8E%89"


def test_a_fragment_is_refused_because_it_would_never_be_sent() -> None:
    with pytest.raises(ValueError, match="%23"):
        proxy_target("svc", "/a#b")


@pytest.mark.parametrize("service", ["", ".hidden", "-x", "a/b", "a b", "a%2Fb", "a?b", "é", "a\n", "a" * 129])
def test_a_service_name_that_could_change_the_path_is_refused(service: str) -> None:
    with pytest.raises(ValueError, match="service name"):
        proxy_target(service, "/")


def test_params_are_added_to_the_query_of_the_path() -> None:
    assert proxy_target("svc", "/a", {"b": "c d", "e": [1, 2]}) == "/proxy/svc/a?b=c+d&e=1&e=2"
    assert proxy_target("svc", "/a?x=%20", [("y", "&")]) == "/proxy/svc/a?x=%20&y=%26"
    assert proxy_target("svc", "/a", {}) == "/proxy/svc/a"
