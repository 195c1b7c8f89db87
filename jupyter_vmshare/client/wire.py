"""What both clients share about HTTP: headers, time-outs, and what a failure means."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2

from jupyter_vmshare._version import __version__
from jupyter_vmshare.client.address import Address
from jupyter_vmshare.client.call import Answer, Call
from jupyter_vmshare.client.errors import BrokenOff, ServiceUnreachable, VMShareError, error_from
from jupyter_vmshare.client.retries import NeverArrived
from jupyter_vmshare.client.tls import trusted

TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
# The service sends a comment every 15 s; three missed ones mean that nobody is there.
STREAM_TIMEOUT = httpx2.Timeout(45.0, connect=5.0)


def settings(address: Address, token: str, verify: ssl.SSLContext | None) -> dict[str, Any]:
    """Arguments of an httpx2 client."""
    return {
        "base_url": address.api,
        "headers": {
            "Authorization": f"token {token}",
            "User-Agent": f"jupyter-vmshare/{__version__}",
        },
        "timeout": TIMEOUT,
        # The service is inside: a proxy for the outside world must not see the token.
        "trust_env": False,
        "verify": verify or trusted(),
        # A redirect is a mistake somewhere; the token does not follow it.
        "follow_redirects": False,
        # A proxy's sticky cookie would only tie the token to a browser's ways.
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=())),
    }


def request(
    http: httpx2.Client | httpx2.AsyncClient, call: Call[Any], content: Any
) -> httpx2.Request:
    """The HTTP request of one attempt."""
    headers = {"Accept": "application/json", "X-Request-ID": uuid.uuid4().hex, **call.headers}
    if call.source is not None:
        headers.setdefault("Content-Type", "application/octet-stream")
        if call.source.size is not None:
            headers["Content-Length"] = str(call.source.size)
    if call.sink is not None:
        headers |= {"Accept": "*/*", "Accept-Encoding": "identity", **call.sink.asks()}
    return http.build_request(
        call.method, call.path, params=dict(call.params), headers=headers, content=content
    )


def succeeded(response: httpx2.Response, call: Call[Any]) -> bool:
    """Whether the answer is what the call asked for."""
    return response.is_success or response.status_code in call.answers


def answer(response: httpx2.Response) -> Answer:
    """A success that was read."""
    return Answer(response.status_code, _lower(response.headers), response.content)


def failure(response: httpx2.Response) -> VMShareError:
    """The exception for an answer that was read and is no success."""
    return error_from(response.status_code, _lower(response.headers), response.content)


def lost(error: httpx2.TransportError, call: Call[Any]) -> VMShareError:
    """The exception for no answer. httpx2's own words stay out: they may hold addresses."""
    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)):
        return NeverArrived("The VMShare service can't be reached right now.")
    if isinstance(error, httpx2.TimeoutException):
        return ServiceUnreachable("The VMShare service took too long to answer.")
    if call.source is not None or call.sink is not None:
        return BrokenOff("The connection broke while the file was on its way.")
    return ServiceUnreachable("The connection to the VMShare service broke.")


def _lower(headers: httpx2.Headers) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
