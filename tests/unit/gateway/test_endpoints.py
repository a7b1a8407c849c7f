"""Base URLs: which are taken, and that a refusal repeats none."""

import pytest

from services.gateway.endpoints import InvalidBaseUrl, check_base_url


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("https://api.example.com/v1/", "https://api.example.com/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://vllm_0.models.svc.cluster.local.:8000", "http://vllm_0.models.svc.cluster.local.:8000"),
    ],
)
def test_http_and_https_are_taken_without_slashes_at_the_end(url: str, base: str) -> None:
    assert check_base_url(url) == base


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com",
        "file:///etc/passwd",
        "example.com/v1",
        "http://",
        "http:///v1",
        "http://example.com:0/v1",
        "http://example.com:99999/v1",
        "http://[::1/v1",
        "http://example.com/v1?key=1",
        "http://example.com/v1#part",
        "http://example.com/v1?",
        "http://exam ple.com",
        "http://example.com/\n",
        "http://exämple.com",
        "http://example.com/v1/chat/completions",
        "http://" + "a" * 2048,
        # What resolvers and HTTP clients fail on in ways of their own.
        "http://1.2.3.999/v1",
        "http://[v1.a]/v1",
        "http://a..b/v1",
        "http://a\\b/v1",
        "http://" + "a" * 64 + "/v1",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidBaseUrl):
        check_base_url(url)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidBaseUrl) as caught:
        check_base_url("https://user:hunter2@example.com/v1")
    assert "hunter2" not in str(caught.value)
