"""Where the hub service is, and with which token: found out in one place for everybody.

The server extension, the notebook helper and the CLI ask here, so that they never disagree.
Looked at in this order:

1. what the caller says (the trait ``VMShareExtension.service_url``, ``connect(url=…)``),
2. ``VMSHARE_SERVICE_URL``: an absolute URL, or a path on the hub's public address. The service's
   ``configure(c)`` sets it for every notebook server,
3. ``JUPYTERHUB_PUBLIC_HUB_URL`` (set where the hub knows its public URL), through the hub's proxy,
4. ``PROXY_PUBLIC_SERVICE_HOST`` and ``…_PORT``, which Zero to JupyterHub has in every pod.

``JUPYTERHUB_API_URL`` is no way to the service: it is the hub's own port, past the proxy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from jupyter_vmshare.client.errors import NotConfigured

SERVICE_PATH = "services/vmshare/"
URL_VARIABLE = "VMSHARE_SERVICE_URL"
TOKEN_VARIABLES = ("VMSHARE_TOKEN", "JUPYTERHUB_API_TOKEN")


@dataclass(frozen=True, slots=True)
class Address:
    """The service's absolute URL, ending in ``/``, and where that was learnt."""

    url: str
    source: str

    @property
    def api(self) -> str:
        """The base of all API paths, ending in ``/``."""
        return self.url + "api/"


def service_address(given: str = "", environ: Mapping[str, str] | None = None) -> Address:
    """The service's address.

    Args:
        given: What the caller says, absolute or a path; empty to find out.
        environ: The environment to look in; the process's own by default.

    Raises:
        NotConfigured: Nothing says where the service is, or what says it makes no sense.
    """
    environ = os.environ if environ is None else environ
    for value, source in ((given, "given"), (environ.get(URL_VARIABLE, ""), URL_VARIABLE)):
        if value:
            return Address(_absolute(value, source, environ), source)
    origin, source = _public_hub(environ)
    if not origin:
        raise NotConfigured(
            "It is not known where the VMShare service is: set VMSHARE_SERVICE_URL to its "
            "address, such as https://hub.example.org/services/vmshare/."
        )
    return Address(_checked(urljoin(origin, SERVICE_PATH), source), source)


def page_address(url: str, page: str, environ: Mapping[str, str] | None = None) -> str:
    """Where a browser finds a page of the service, whose address ``url`` is the notebook's own way.

    Browsers go through the hub's proxy. Where the hub's public address is not known, the answer is
    the path below it.
    """
    path = urlsplit(url).path + page
    public = (os.environ if environ is None else environ).get("JUPYTERHUB_PUBLIC_HUB_URL", "")
    return urljoin(public, path)


def service_token(given: str = "", environ: Mapping[str, str] | None = None) -> str:
    """The token to act with: given, ``VMSHARE_TOKEN``, or the notebook server's own.

    Raises:
        NotConfigured: There is none.
    """
    environ = os.environ if environ is None else environ
    tokens = [given, *(environ.get(name, "") for name in TOKEN_VARIABLES)]
    token = next((token.strip() for token in tokens if token.strip()), "")
    if not token:
        raise NotConfigured(
            "There is no token to act with: run this in a notebook server of the hub, or set "
            "VMSHARE_TOKEN to a token from the hub's token page."
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise NotConfigured("The token has characters that no token has.")
    return token


def _absolute(value: str, source: str, environ: Mapping[str, str]) -> str:
    if "://" in value:
        return _checked(value, source)
    origin, _ = _public_hub(environ)
    if not origin:
        raise NotConfigured(
            f"The VMShare service's address ({source}) is the path {value!r}, and the hub's public "
            "address is not known: give the whole URL."
        )
    return _checked(urljoin(origin, "/" + value.lstrip("/")), source)


def _public_hub(environ: Mapping[str, str]) -> tuple[str, str]:
    """The hub's public base URL (not ``…/hub/``) and what said so; empty when nothing does."""
    public = environ.get("JUPYTERHUB_PUBLIC_HUB_URL", "")
    if public:
        return public.rstrip("/").removesuffix("/hub") + "/", "JUPYTERHUB_PUBLIC_HUB_URL"
    host = environ.get("PROXY_PUBLIC_SERVICE_HOST", "")
    if host:
        port = environ.get("PROXY_PUBLIC_SERVICE_PORT", "80")
        base = environ.get("JUPYTERHUB_BASE_URL", "/").strip("/")
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{port}/{base}{'/' if base else ''}", "PROXY_PUBLIC_SERVICE_HOST"
    return "", ""


def _checked(url: str, source: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NotConfigured(f"The VMShare service's address ({source}) is no http(s) URL: {url!r}.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise NotConfigured(
            f"The VMShare service's address ({source}) must have no user, query or fragment."
        )
    return url.rstrip("/") + "/"
