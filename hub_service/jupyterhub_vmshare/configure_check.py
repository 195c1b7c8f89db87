"""``jupyterhub-vmshare configure --check``: what a ``jupyterhub_config.py`` sets, and leaves open.

It reads the configuration as the hub would (which runs the file) and changes nothing. A warning is
something that the service can't mend from inside; a problem is something that will not work.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import jupyterhub
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from jupyterhub_vmshare.configure import (
    CONFIRM,
    CUSTOM_SCOPES,
    SERVICE_SCOPES,
    USE,
    AddedScopes,
    access_scope,
    held,
    sections_with,
    session_scopes,
)
from jupyterhub_vmshare.spawning.accounts import spawner_class, tells_account
from jupyterhub_vmshare.spawning.hooks import AfterStop, BeforeSpawn
from jupyterhub_vmshare.spawning.node import lacks

Severity = Literal["set", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``code`` is stable, for programs and for the documentation."""

    severity: Severity
    code: str
    message: str


def check(path: str) -> list[Finding]:
    """Everything worth saying about the configuration file at ``path``, problems last.

    Raises ``OSError`` if it can't be read, and whatever the file itself raises.
    """
    with open(path, "rb"):
        pass  # the loader's own error for a file that is not there names no reason
    directory, name = os.path.split(os.path.abspath(path))
    return check_config(PyFileConfigLoader(name, path=directory).load_config())


def check_config(c: Config) -> list[Finding]:
    """The same for a configuration that is loaded already."""
    service = _service(c)
    if service is None:
        sentence = "No service of VMShare is registered: call configure(c) in this file."
        return [Finding("problem", "no-service", sentence)]
    findings = [finding for look in _LOOKS for finding in look(c, service)]
    order: list[Severity] = ["set", "warning", "problem"]
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _service(c: Config) -> dict[str, Any] | None:
    services = held(c, "JupyterHub", "services", [])
    ours = (s for s in services if CONFIRM in s.get("oauth_client_allowed_scopes", ()))
    return next(ours, None)


def _registered(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    how = "started by the hub" if service.get("command") else "started by yourself"
    place = f"/services/{service['name']}/, reached at {service.get('url')}, {how}"
    yield Finding("set", "service", f"The service is registered: {place}.")
    if not service.get("command") and not service.get("api_token"):
        yield Finding(
            "problem", "no-token", "The service is started by yourself, and has no api_token."
        )


def _custom_scopes(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    defined = held(c, "JupyterHub", "custom_scopes", {})
    for scope in CUSTOM_SCOPES:
        if scope in defined:
            yield Finding("set", "custom-scope", f"The scope {scope} is defined.")
        else:
            yield Finding("problem", "custom-scope", f"The scope {scope} is not defined.")


def _user_role(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    wanted = {access_scope(service["name"]), USE, CONFIRM}
    scopes = _role_scopes(c, "user")
    if scopes is None:
        scopes = {"self"} | set(held(c, "JupyterHub", "extra_user_scopes", set()))
    elif "self" not in scopes:
        yield Finding(
            "problem",
            "user-role-self",
            "The role 'user' is redefined without 'self': people lose their own servers.",
        )
    yield _scopes_finding("user-role", "Everybody may use the service", wanted - scopes)


def _service_role(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    scopes: set[str] = set()
    for role in held(c, "JupyterHub", "load_roles", []):
        if service["name"] in role.get("services", ()):
            scopes |= set(role.get("scopes", ()))
    missing = set() if service.get("admin") else set(SERVICE_SCOPES) - scopes
    yield _scopes_finding("service-role", "The service may ask the hub what it needs", missing)
    more = scopes - set(SERVICE_SCOPES)
    if more or service.get("admin"):
        what = "it is admin" if service.get("admin") else ", ".join(sorted(more))
        yield Finding(
            "warning", "service-too-strong", f"The service may do more than it needs to: {what}."
        )


def _session_tokens(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    wanted = session_scopes(service["name"])
    for key in ("server_token_scopes", "oauth_client_allowed_scopes"):
        for section in sections_with(c, key):
            yield from _token_scopes(f"{section}.{key}", held(c, section, key, []), wanted)


def _token_scopes(where: str, scopes: Any, wanted: tuple[str, ...]) -> Iterator[Finding]:
    if isinstance(scopes, AddedScopes):
        scopes = scopes.added
    elif callable(scopes):
        yield Finding(
            "warning",
            "session-scopes-unknown",
            f"{where} is a function: make sure that it returns {' and '.join(wanted)}.",
        )
        return
    yield _scopes_finding("session-scopes", f"{where} asks for the service", {*wanted} - {*scopes})
    if USE in scopes or f"{USE}!user" in scopes:
        yield Finding(
            "problem",
            "session-scopes-unlimited",
            f"{where} asks for {USE} without !server: nothing then tells which server such a token "
            "was issued for, and whoever shares that server could use it.",
        )


def _sessions_know(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    for section in sections_with(c, "environment"):
        environment = held(c, section, "environment", {})
        address = environment.get("VMSHARE_SERVICE_URL")
        if address is None:
            sentence = f"{section}.environment lacks VMSHARE_SERVICE_URL."
            yield Finding("problem", "session-address", sentence)
        else:
            yield Finding("set", "session-address", f"Sessions find the service at {address!r}.")


def _subdomains(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    if not held(c, "JupyterHub", "subdomain_host", ""):
        yield Finding(
            "warning",
            "no-subdomains",
            "All servers share one origin with the hub (no JupyterHub.subdomain_host). That is no "
            "full boundary: whoever controls a page of one server can reach pages of others, and "
            "the service's own, in the browser of somebody who opens it.",
        )


def _authenticator(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    chosen = str(held(c, "JupyterHub", "authenticator_class", "")).lower()
    if "dummy" in chosen:
        yield Finding(
            "warning", "dummy-authenticator", "DummyAuthenticator lets anybody in under any name."
        )


def _spawner(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    chosen = str(held(c, "JupyterHub", "spawner_class", "")).lower()
    if "simple" in chosen:
        yield Finding(
            "warning",
            "sessions-share-an-account",
            "SimpleLocalProcessSpawner runs all sessions under one Unix account: people can read "
            "each other's files and tokens past the service.",
        )


def _mounts(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    hooks = [
        (f"{section}.{kind.trait}", isinstance(held(c, section, kind.trait, None), kind))
        for kind in (BeforeSpawn, AfterStop)
        for section in sections_with(c, kind.trait)
    ]
    if not any(ours for _, ours in hooks):
        yield Finding("set", "mounts-off", "Shared folders are not mounted into sessions.")
        return
    for replaced in (where for where, ours in hooks if not ours):
        sentence = f"{replaced} is set after configure(c), which keeps mounts out of sessions."
        yield Finding("problem", "mounts-hook", f"{sentence} Set it before.")
    missing = [*lacks(), *_no_account(c)]
    for code, sentence in missing:
        yield Finding("warning", code, f"Sessions start without shared folders: {sentence}")
    if not missing:
        sentence = "Shared folders are mounted into sessions, where jupyterhub-vmshare agent runs."
        yield Finding("set", "mounts", sentence)


def _no_account(c: Config) -> Iterator[tuple[str, str]]:
    kind = spawner_class(held(c, "JupyterHub", "spawner_class", "local"))
    hook = held(c, "Spawner", BeforeSpawn.trait, None)
    told = isinstance(hook, BeforeSpawn) and hook.mounts.knows_accounts
    if kind is not None and not told and not tells_account(kind):
        sentence = f"nothing tells under which account {kind.__name__} starts them here."
        yield "no-session-account", f"{sentence} If it does, say configure(c, session_account=…)."


def _access_past_shares(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    for role in held(c, "JupyterHub", "load_roles", []):
        grants = [s for s in role.get("scopes", ()) if _opens_others_servers(s)]
        if grants and (role.get("users") or role.get("groups") or role.get("name") == "user"):
            yield Finding(
                "warning",
                "access-past-shares",
                f"The role {role['name']!r} opens other people's servers ({', '.join(grants)}) "
                "without a share that the service can see: on such a server the server's own "
                "token is not made read-only, and its guests can read it.",
            )
    admins = held(c, "Authenticator", "admin_users", set())
    if admins:
        yield Finding(
            "warning",
            "admins-reach-servers",
            f"Hub admins ({', '.join(sorted(admins))}) can open every server, and with it read "
            "its owner's token.",
        )


def _opens_others_servers(scope: str) -> bool:
    name, _, only = scope.partition("!")
    opens = {"access:servers", "shares", "admin:users", "admin:servers", "tokens", "inherit"}
    return name in opens and only not in {"server", "user"}


def _tls(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    if held(c, "JupyterHub", "ssl_cert", ""):
        return
    public = [held(c, "JupyterHub", key, "") for key in ("public_url", "subdomain_host")]
    if any(str(address).startswith("https://") for address in public):
        return
    host = urlsplit(str(held(c, "JupyterHub", "bind_url", "http://:8000"))).hostname
    if host not in {"127.0.0.1", "localhost", "::1"}:
        yield Finding(
            "warning",
            "no-tls",
            "The hub is reached over http: tokens and cookies can be read on the way, and browsers "
            "leave out what the confirm page checks. (If a proxy speaks https before it, set "
            "JupyterHub.public_url.)",
        )


def _version(c: Config, service: dict[str, Any]) -> Iterator[Finding]:
    if jupyterhub.version_info[:3] < (5, 5, 1):
        yield Finding(
            "problem",
            "old-hub",
            f"JupyterHub {jupyterhub.__version__} has a hole in sharing; 5.5.1 mended it.",
        )


_Look = Callable[[Config, dict[str, Any]], Iterator[Finding]]
_LOOKS: tuple[_Look, ...] = (
    _registered,
    _custom_scopes,
    _user_role,
    _service_role,
    _session_tokens,
    _sessions_know,
    _subdomains,
    _authenticator,
    _spawner,
    _mounts,
    _access_past_shares,
    _tls,
    _version,
)


def _role_scopes(c: Config, name: str) -> set[str] | None:
    for role in held(c, "JupyterHub", "load_roles", []):
        if role.get("name") == name and "scopes" in role:
            return set(role["scopes"])
    return None


def _scopes_finding(code: str, what: str, missing: set[str]) -> Finding:
    if missing:
        lacks = ", ".join(sorted(missing))
        return Finding("problem", code, f"{what}: no, these scopes are missing: {lacks}.")
    return Finding("set", code, f"{what}.")
