"""``configure(c)`` for ``jupyterhub_config.py``, on JupyterHub 5.5.1 to 6.x.

It adds and never takes away: what the operator has set stays, and calling it twice changes
nothing more. ``configure_check.check`` reads the result back.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import isawaitable
from typing import Any, Final

import jupyterhub
from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from jupyterhub_vmshare.configure_relay import relay_service
from jupyterhub_vmshare.spawning.accounts import AccountOf
from jupyterhub_vmshare.spawning.address import SessionUrl
from jupyterhub_vmshare.spawning.hooks import AfterStop, BeforeSpawn, chained
from jupyterhub_vmshare.spawning.sessions import MountsOfSessions, NodeOf
from jupyterhub_vmshare.spawning.telling import DEADLINE, Service, hook_secret

SERVICE_NAME: Final = "vmshare"
DEFAULT_URL: Final = "http://127.0.0.1:10110"
DEFAULT_DATA: Final = "vmshare-data"
LONGEST_DEADLINE: Final = 60
AGENT_RUN: Final = "/run/vmshare"
"""Where the share-agent works unless it is told otherwise: other people's mounts are in there."""

USE: Final = "custom:vmshare:use"
CONFIRM: Final = "custom:vmshare:confirm"
ORGANIZE: Final = "custom:vmshare:organize"

CUSTOM_SCOPES: Final[dict[str, dict[str, str]]] = {
    USE: {"description": "Share folders and machines, and use what is shared with you."},
    CONFIRM: {"description": "Confirm on VMShare's own page what can't be undone."},
    ORGANIZE: {"description": "Create projects and workshops."},
}

SERVICE_SCOPES: Final = (
    *("read:users", "list:groups", "read:groups", "read:shares"),
    "delete:servers",
)
"""All that the service may ask the hub: is there such a person, who is in which group, and is a
server shared with anybody; and to stop a server, where a folder's owner ends sessions that hold
what was taken from them. Tried on 5.5.1 and 6.1.1; nothing less does."""

ROLE_DEFAULTS: Final[dict[str, tuple[str, ...]]] = {
    "user": ("self",),
    "server": ("users:activity!user", "access:servers!server"),
}
"""JupyterHub's own; redefining a role replaces them, so they have to be said again."""

Scopes = list[str] | Callable[[Any], Any]


def access_scope(name: str = SERVICE_NAME) -> str:
    """The scope that lets somebody reach the service at all."""
    return f"access:services!service={name}"


def session_scopes(name: str = SERVICE_NAME) -> tuple[str, str]:
    """What a session's tokens ask for: this service, limited to that very server."""
    return (f"{USE}!server", access_scope(name))


def configure(
    c: Config,
    *,
    name: str = SERVICE_NAME,
    url: str = DEFAULT_URL,
    managed: bool = True,
    command: Sequence[str] | None = None,
    api_token: str | None = None,
    oauth_redirect_uri: str | None = None,
    environment: Mapping[str, str] | None = None,
    session_url: str | None = None,
    organizers: Iterable[str] = (),
    mounts: bool = True,
    mounts_deadline: float = DEADLINE,
    session_account: AccountOf | None = None,
    session_node: NodeOf | None = None,
    hidden_from_sessions: Iterable[str] = (),
    most_gigabytes: float | None = None,
    most_folders: int | None = None,
    trash_days: float | None = None,
    cloud: str | None = None,
    relay: str | None = None,
    relay_listens: str | None = None,
) -> None:
    """Register the service, its scopes and roles, and what sessions need to find it.

    Args:
        c: The hub's configuration.
        name: The service's name; it lives at ``/services/<name>/``.
        url: Where the service listens, as the hub's proxy reaches it.
        managed: Whether the hub starts the service (``jupyterhub-vmshare serve``). If not, you
            start it yourself and hand in ``api_token``.
        command: How the hub starts it; None means with the hub's own Python.
        api_token: The service's token. None draws one (managed services only).
        oauth_redirect_uri: Only for a service that is not reached through the hub's proxy.
        environment: Further environment variables of a managed service.
        session_url: Where sessions reach the service. None means at ``url``, past the proxy, which
            is right where sessions can reach that address.
        organizers: Hub groups whose members may create projects and workshops.
        mounts: Whether shared folders are mounted into sessions, where the machine can. Sessions
            then run in a view of the file system of their own.
        mounts_deadline: Seconds that the start of a session may wait for its mounts, in all (at
            most 60). What takes longer starts without them, and says so.
        session_account: For spawners that start ``Spawner.cmd`` on this machine and are no
            ``LocalProcessSpawner``: for a spawner, the name of an account that is the person's
            own, or uid and gid of one that people share (their sessions are then kept apart).
        session_node: For a spawner, the name of the node on which its session starts, where that is
            not the service's own: an agent there has dialled in by that name (``c.Serve.nodes``).
        hidden_from_sessions: Further directories that sessions don't see: the store, where it is
            not in a managed service's ``VMSHARE_DATA_DIR``, and the agent's ``--run``, where it
            is not ``/run/vmshare``.
        most_gigabytes: How many GiB (2**30 bytes) one person's folders may hold together,
            unless a hub admin says otherwise for them; None: as much as there is room. Of a managed
            service; another one has it in its own configuration, as the next.
        most_folders: How many folders one person may own; None: any number.
        trash_days: After how many days what is in the trash is deleted for ever; None: when its
            owner deletes it.
        cloud: Where machines are made, as ``c.Serve.cloud`` names it; None: this site has none.
        relay: Where people reach the relay (``host:port``), through which they get to machines by
            SSH; None: there is none. Where the hub starts the service, it starts a relay as well,
            on this host; another one is started by hand (docs: *Run the relay*).
        relay_listens: The ``host:port`` at which a relay that the hub starts listens, where that is
            not ``relay``'s port at every address.
    """
    if not managed and not api_token:
        raise ValueError("A service that the hub does not start needs an api_token.")
    if not 0 < mounts_deadline <= LONGEST_DEADLINE:
        raise ValueError(f"mounts_deadline is more than 0 and at most {LONGEST_DEADLINE} seconds.")
    token = api_token or _token_held(c, name) or secrets.token_hex(32)
    service = _service(name, url, command if managed else None, managed, token)
    if oauth_redirect_uri:
        service["oauth_redirect_uri"] = oauth_redirect_uri
    limits = _limits(most_gigabytes, most_folders, trash_days)
    places = {"VMSHARE_CLOUD": cloud, "VMSHARE_RELAY_ADDRESS": relay}
    told = {variable: place for variable, place in places.items() if place}
    if relay and managed:
        listens = relay_listens or f":{relay.rpartition(':')[2]}"
        _put_named(c, "services", relay_service(name, url, listens, token))
    variables = {**limits, **told, **(environment or {})}
    if managed and variables:
        service["environment"] = variables
    _put_named(c, "services", service)
    c.JupyterHub.custom_scopes = {**held(c, "JupyterHub", "custom_scopes", {}), **CUSTOM_SCOPES}
    _give_roles(c, name, sorted(organizers))
    _scope_sessions(c, name)
    _tell_sessions(c, name, session_url or url)
    if mounts:
        data = [(environment or {}).get("VMSHARE_DATA_DIR", DEFAULT_DATA)] if managed else []
        paths = (*data, *hidden_from_sessions, AGENT_RUN)
        hidden = [os.path.abspath(path) for path in paths]
        there = Service(SessionUrl(url, name), hook_secret(token), mounts_deadline)
        mounts_of = MountsOfSessions(
            there, hidden=hidden, account=session_account, node=session_node
        )
        _hook(c, mounts_of)


def _limits(
    most_gigabytes: float | None, most_folders: int | None, trash_days: float | None
) -> dict[str, str]:
    limits = {
        "VMSHARE_MOST_GIGABYTES": most_gigabytes,
        "VMSHARE_MOST_FOLDERS": most_folders,
        "VMSHARE_TRASH_DAYS": trash_days,
    }
    return {name: str(limit) for name, limit in limits.items() if limit is not None}


def _service(
    name: str, url: str, command: Sequence[str] | None, managed: bool, api_token: str
) -> dict[str, Any]:
    service: dict[str, Any] = {
        "name": name,
        "url": url,
        "display": True,
        # Run by whoever runs the hub; the page that matters asks for the folder's name.
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": [CONFIRM, ORGANIZE],
        # Of the hub alone, so that its hooks can be told from everybody else.
        "api_token": api_token,
    }
    if managed:
        service["command"] = list(command or (sys.executable, "-m", "jupyterhub_vmshare", "serve"))
    return service


def _token_held(c: Config, name: str) -> str | None:
    services = held(c, "JupyterHub", "services", [])
    return next((s.get("api_token") for s in services if s.get("name") == name), None)


def _give_roles(c: Config, name: str, organizers: list[str]) -> None:
    everybody = (access_scope(name), USE, CONFIRM)
    extra = held(c, "JupyterHub", "extra_user_scopes", set())
    if jupyterhub.version_info[0] >= 6 and extra and not _defines_scopes(c, "user"):
        # The hub ignores extra_user_scopes as soon as the role is redefined: go the same way.
        c.JupyterHub.extra_user_scopes = {*extra, *everybody}
    else:
        _extend_role(c, "user", everybody)
    _extend_role(c, "server", session_scopes(name))
    _put_named(
        c,
        "load_roles",
        {
            "name": f"{name}-service",
            "description": "What VMShare may ask the hub",
            "scopes": list(SERVICE_SCOPES),
            "services": [name],
        },
    )
    if organizers:
        _put_named(
            c,
            "load_roles",
            {
                "name": f"{name}-organizers",
                "description": "May create projects and workshops in VMShare",
                "scopes": [ORGANIZE],
                "groups": organizers,
            },
        )


def _extend_role(c: Config, name: str, scopes: Iterable[str]) -> None:
    roles = [dict(role) for role in held(c, "JupyterHub", "load_roles", [])]
    role = next((role for role in roles if role.get("name") == name), None)
    if role is None:
        role = {"name": name}
        roles.append(role)
    role["scopes"] = _joined(role.get("scopes", ROLE_DEFAULTS[name]), scopes)
    c.JupyterHub.load_roles = roles


def _defines_scopes(c: Config, role_name: str) -> bool:
    roles = held(c, "JupyterHub", "load_roles", [])
    return any(role.get("name") == role_name and "scopes" in role for role in roles)


def _scope_sessions(c: Config, name: str) -> None:
    """Both kinds of token that a session holds: the server's own, and its visitors'."""
    own = [*_server_role_scopes(c), *session_scopes(name)]
    for section in sections_with(c, "server_token_scopes"):
        present = held(c, section, "server_token_scopes", [])
        extended = with_scopes(present, session_scopes(name)) if present else _joined(own, ())
        c[section].server_token_scopes = extended
    for section in sections_with(c, "oauth_client_allowed_scopes"):
        present = held(c, section, "oauth_client_allowed_scopes", [])
        c[section].oauth_client_allowed_scopes = with_scopes(present, session_scopes(name))


def _server_role_scopes(c: Config) -> list[str]:
    # Setting server_token_scopes switches the role off, so its scopes are repeated there.
    roles = held(c, "JupyterHub", "load_roles", [])
    return next(list(role["scopes"]) for role in roles if role.get("name") == "server")


def _tell_sessions(c: Config, name: str, session_url: str) -> None:
    for section in sections_with(c, "environment"):
        ours = {"VMSHARE_SERVICE_URL": SessionUrl(session_url, name)}
        c[section].environment = {**held(c, section, "environment", {}), **ours}


def _hook(c: Config, mounts: MountsOfSessions) -> None:
    """Ours beside the operator's own hooks, wherever these are set."""
    for kind in (BeforeSpawn, AfterStop):
        for section in sections_with(c, kind.trait):
            present = held(c, section, kind.trait, None)
            c[section][kind.trait] = chained(present, kind, mounts)


class AddedScopes:
    """The operator's own callable (perhaps async), and our scopes after its."""

    def __init__(self, theirs: Callable[[Any], Any], added: Sequence[str]) -> None:
        self.theirs, self.added = theirs, tuple(added)

    async def __call__(self, spawner: Any) -> list[str]:
        """What the hub asks for a spawner that is about to start."""
        scopes = self.theirs(spawner)
        if isawaitable(scopes):
            scopes = await scopes
        return _joined(scopes, self.added)


def with_scopes(present: Scopes, added: Sequence[str]) -> Scopes:
    """``present`` (a list or a callable, as the operator has it) with ``added`` after it."""
    if not callable(present):
        return _joined(present, added)
    if isinstance(present, AddedScopes) and set(added) <= set(present.added):
        return present
    return AddedScopes(present, added)


def held(c: Config, section: str, key: str, default: Any) -> Any:
    """What the configuration holds by now, ``c.X.y.append(…)`` and the like worked in."""
    if section not in c or key not in c[section]:
        return default
    value = c[section][key]
    return value.get_value(default) if isinstance(value, LazyConfigValue) else value


def sections_with(c: Config, key: str) -> list[str]:
    """``Spawner``, and every spawner of a class of its own that sets ``key`` over it."""
    return ["Spawner", *(s for s in c if s.endswith("Spawner") and s != "Spawner" and key in c[s])]


def _put_named(c: Config, key: str, item: dict[str, Any]) -> None:
    others = [i for i in held(c, "JupyterHub", key, []) if i.get("name") != item["name"]]
    c.JupyterHub[key] = [*others, item]


def _joined(first: Iterable[str], more: Iterable[str]) -> list[str]:
    return list(dict.fromkeys((*first, *more)))
