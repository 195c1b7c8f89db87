"""Where the service is, and with which token."""

from __future__ import annotations

import pytest

from jupyter_vmshare.client import NotConfigured, service_address, service_token

PUBLIC = {"JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example.org/jh/hub/"}
Z2JH = {"PROXY_PUBLIC_SERVICE_HOST": "10.1.2.3", "PROXY_PUBLIC_SERVICE_PORT": "8000"}
TOLD = {"VMSHARE_SERVICE_URL": "http://10.0.0.5:10201/services/vmshare/"}


@pytest.mark.parametrize(
    ("given", "environ", "url"),
    [
        pytest.param("http://a/s", TOLD, "http://a/s/", id="what is said wins"),
        pytest.param("", TOLD | PUBLIC, TOLD["VMSHARE_SERVICE_URL"], id="what the hub told wins"),
        pytest.param(
            "", {"VMSHARE_SERVICE_URL": "/jh/services/x"} | PUBLIC,
            "https://hub.example.org/jh/services/x/", id="a path on the public address",
        ),
        pytest.param(
            "", PUBLIC, "https://hub.example.org/jh/services/vmshare/", id="the public address"
        ),
        pytest.param(
            "", Z2JH | {"JUPYTERHUB_BASE_URL": "/jh/"},
            "http://10.1.2.3:8000/jh/services/vmshare/", id="Zero to JupyterHub",
        ),
        pytest.param(
            "", {"PROXY_PUBLIC_SERVICE_HOST": "fd00::1"}, "http://[fd00::1]:80/services/vmshare/",
            id="an IPv6 address",
        ),
    ],
)  # fmt: skip
def test_where_the_service_is(given: str, environ: dict[str, str], url: str) -> None:
    address = service_address(given, environ)
    assert (address.url, address.api) == (url, f"{url}api/")


@pytest.mark.parametrize(
    ("given", "environ"),
    [
        pytest.param("", {}, id="nothing says it"),
        pytest.param("", {"JUPYTERHUB_API_URL": "http://h:8081/hub/api"}, id="the hub's own port"),
        pytest.param("/services/vmshare", {}, id="a path on nothing"),
        pytest.param("ftp://a/", {}, id="another scheme"),
        pytest.param("http:///x", {}, id="no host"),
        pytest.param("http://user:pw@a/", {}, id="a password"),
        pytest.param("http://a/?x=1", {}, id="a query"),
        pytest.param("javascript://a", {}, id="a script"),
    ],
)
def test_what_is_no_address(given: str, environ: dict[str, str]) -> None:
    with pytest.raises(NotConfigured, match=r"\.$"):
        service_address(given, environ)


def test_which_token() -> None:
    both = {"JUPYTERHUB_API_TOKEN": "server", "VMSHARE_TOKEN": " own \n"}
    assert service_token("given", both) == "given"
    assert service_token("", both) == "own"
    assert service_token("", {"JUPYTERHUB_API_TOKEN": "server"}) == "server"


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "ä"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(NotConfigured) as raised:
        service_token("", {"VMSHARE_TOKEN": token})
    assert token.strip() == "" or token not in str(raised.value)
