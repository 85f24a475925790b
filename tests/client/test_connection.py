import httpx
import pytest

from pba.client.connection import httpx_arguments
from pba.errors import InvalidRequest


def test_httpx_takes_the_arguments_and_ignores_proxies_of_the_environment(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    arguments = httpx_arguments("http://pba:1", 2.5)
    with httpx.Client(**arguments) as client:
        assert client.timeout == httpx.Timeout(2.5)
        assert client.base_url == "http://pba:1"
        assert not client.trust_env


@pytest.mark.parametrize(
    "url", ["localhost:8000", "127.0.0.1:8000", "http://", "", "ftp://a", "http://a:b"]
)
def test_an_address_that_is_not_http_is_refused(url):
    with pytest.raises(InvalidRequest, match="url is"):
        httpx_arguments(url, 1.0)
