"""The HTTP side of the scripted hub: paths, scopes, models and words as the real one has them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlencode

from tornado.httputil import url_concat
from tornado.web import HTTPError, RequestHandler

from tests.fakes.hub import Code, FakeHub, Seen, Share, Token, challenge_of

PAGINATION = "application/jupyterhub-pagination+json"

USER_FIELDS = {
    "read:users": {
        *("kind", "name", "user_info", "admin", "roles", "groups"),
        *("server", "pending", "created", "last_activity"),
    },
    "read:users:name": {"kind", "name", "user_info", "admin"},
    "read:users:activity": {"kind", "name", "last_activity"},
    "read:users:groups": {"kind", "name", "groups"},
    "read:roles:users": {"kind", "name", "roles", "admin"},
}
GROUP_FIELDS = {
    "read:groups": {"kind", "name", "properties", "users"},
    "read:groups:name": {"kind", "name"},
}
SERVICE_FIELDS = {
    "read:services": {"kind", "name", "admin"},
    "read:services:name": {"kind", "name", "admin"},
}


class HubHandler(RequestHandler):
    """Knows the caller, and answers errors as the hub does."""

    def initialize(self, hub: FakeHub) -> None:
        self.hub = hub
        self.token: Token | None = None

    async def prepare(self) -> None:
        header = self.request.headers.get("Authorization", "")
        kind, _, text = header.partition(" ")
        if kind.lower() in ("token", "bearer"):
            self.token = self.hub.tokens.get(text.strip())
        token_id = self.token.token_id if self.token else None
        method, path = str(self.request.method), self.request.path
        self.hub.requests.append(Seen(method, path, self.request.query, token_id))
        failure = await self.hub.go_through_trouble(self.request.path)
        if failure is not None:
            raise HTTPError(failure)

    def set_default_headers(self) -> None:
        self.set_header("Content-Type", "application/json")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        words = error.log_message if isinstance(error, HTTPError) else None
        self.finish(json.dumps({"status": status_code, "message": words}))

    def caller(self) -> Token:
        if self.token is None:
            raise HTTPError(403, "Missing or invalid credentials.")
        return self.token

    def has(self, scope: str, **filters: str) -> bool:
        """Whether the caller has the scope at all, or for one of these."""
        scopes = self.caller().scopes
        return scope in scopes or any(f"{scope}!{k}={v}" in scopes for k, v in filters.items())

    def need(self, *scopes: str, **filters: str) -> None:
        """Refuses as ``needs_scope`` does: filtered access looks like 'not there'."""
        if any(self.has(scope, **filters) for scope in scopes):
            return
        held = {scope.partition("!")[0] for scope in self.caller().scopes}
        if filters and held & set(scopes):
            raise HTTPError(404, "No access to resources or resources not found")
        raise HTTPError(
            403,
            f"Action is not authorized with current scopes; requires any of [{', '.join(scopes)}]",
        )

    def page(self) -> tuple[int, int]:
        default = self.hub.page_default_limit if self.pages() else self.hub.page_max_limit
        limit = int(self.get_argument("limit", str(default)))
        return abs(int(self.get_argument("offset", "0"))), min(limit, self.hub.page_max_limit)

    def pages(self) -> bool:
        accepted = self.request.headers.get("Accept", "").lower().split(",")
        return PAGINATION in {part.strip() for part in accepted}

    def paged(self, items: list[Any]) -> dict[str, Any]:
        offset, limit = self.page()
        later: dict[str, Any] | None = None
        if offset + limit < len(items):
            later = {"offset": offset + limit, "limit": limit}
            query = {k: v for k in self.request.arguments if (v := self.get_argument(k))}
            url = f"{self.request.protocol}://{self.request.host}{self.request.path}"
            later["url"] = url_concat(url, {**query, **{k: str(v) for k, v in later.items()}})
        pagination = {"offset": offset, "limit": limit, "total": len(items), "next": later}
        return {"items": items[offset : offset + limit], "_pagination": pagination}

    def visible(
        self, model: dict[str, Any], fields: dict[str, set[str]], **filters: str
    ) -> dict[str, Any]:
        """The part of a model that the caller's scopes open."""
        keys = {key for scope, has in fields.items() if self.has(scope, **filters) for key in has}
        return {key: value for key, value in model.items() if key in keys}

    def user_model(self, name: str) -> dict[str, Any]:
        person = self.hub.people[name]
        model = {
            "kind": "user",
            "name": name,
            "user_info": None,
            "admin": person.admin,
            "roles": ["user", "admin"] if person.admin else ["user"],
            "groups": self.groups_of(name),
            "server": f"/user/{name}/" if (name, "") in self.hub.servers else None,
            "pending": None,
            "created": f"{person.created:%Y-%m-%dT%H:%M:%S.%fZ}",
            "last_activity": "2026-01-01T00:00:00.000000Z",
        }
        return self.visible(model, USER_FIELDS, user=name)

    def groups_of(self, name: str) -> list[str]:
        return [group for group, members in self.hub.groups.items() if name in members]


class Version(HubHandler):
    def get(self) -> None:
        self.finish(json.dumps({"version": "6.1.1"}))


class Myself(HubHandler):
    """``GET /hub/api/user``: who am I, with which scopes."""

    def get(self) -> None:
        if self.token is None:
            raise HTTPError(403)
        token, scopes = self.token, self.token.scopes
        self.token = Token(token.owner, scopes | _identity(token), token.session_id, token.service)
        model = self._service_model() if token.service else self.user_model(token.owner)
        model |= {"token_id": token.token_id, "session_id": token.session_id}
        self.finish(json.dumps(model | {"scopes": sorted(scopes)}))

    def _service_model(self) -> dict[str, Any]:
        name = self.caller().owner
        model = {"kind": "service", "name": name, "admin": False}
        return self.visible(model, SERVICE_FIELDS, service=name)


def _identity(token: Token) -> frozenset[str]:
    """Everybody may read their own name and groups here, whatever the token is for."""
    if token.service:
        return frozenset({f"read:services:name!service={token.owner}"})
    return frozenset(f"read:users:{what}!user={token.owner}" for what in ("name", "groups"))


class Users(HubHandler):
    def get(self) -> None:
        if not any(s.partition("!")[0] == "list:users" for s in self.caller().scopes):
            self.need("list:users")
        names = [name for name in self.hub.people if self.has("list:users", user=name)]
        models = [self.user_model(name) for name in sorted(names, key=self.order)]
        self.finish(json.dumps(self.paged(models) if self.pages() else models))

    def order(self, name: str) -> int:
        return list(self.hub.people).index(name)


class User(HubHandler):
    def get(self, name: str) -> None:
        self.need(*USER_FIELDS, user=name)
        if name not in self.hub.people:
            raise HTTPError(404)
        self.finish(json.dumps(self.user_model(name)))


class Server(HubHandler):
    """``DELETE``: stop it. One that does not run is stopped."""

    def check_xsrf_cookie(self) -> None:
        """Callers authenticate with tokens."""

    def delete(self, name: str, server: str = "") -> None:
        self.need("delete:servers", user=name, server=f"{name}/{server}")
        if name not in self.hub.people or (server and (name, server) not in self.hub.servers):
            raise HTTPError(404)
        self.hub.stopped.append((name, server))
        self.set_status(204)


class Groups(HubHandler):
    def get(self) -> None:
        if not any(s.partition("!")[0] == "list:groups" for s in self.caller().scopes):
            self.need("list:groups")
        listed = [name for name in self.hub.groups if self.has("list:groups", group=name)]
        models = [self.group_model(name) for name in listed]
        self.finish(json.dumps(self.paged(models) if self.pages() else self.unpaged(models)))

    def unpaged(self, models: list[Any]) -> list[Any]:
        offset, limit = self.page()
        return models[offset : offset + limit]

    def group_model(self, name: str) -> dict[str, Any]:
        model = {"kind": "group", "name": name, "roles": [], "properties": {}}
        return self.visible(
            model | {"users": list(self.hub.groups[name])}, GROUP_FIELDS, group=name
        )


class Group(Groups):
    def get(self, name: str) -> None:  # type: ignore[override]
        self.need(*GROUP_FIELDS, group=name)
        if name not in self.hub.groups:
            raise HTTPError(404, f"No such group: {name}")
        self.finish(json.dumps(self.group_model(name)))


class ServerShares(HubHandler):
    """``GET /hub/api/shares/{owner}/{server}``; without a server: all of the owner's."""

    def get(self, owner: str, server: str | None = None) -> None:
        if server is None:
            self.need("read:shares", user=owner)
        else:
            self.need("read:shares", server=f"{owner}/{server}", user=owner)
        if owner not in self.hub.people:
            raise HTTPError(404, None if server is None else f"No such server: {owner}/{server}")
        if server is not None and (owner, server) not in self.hub.servers:
            raise HTTPError(404, f"No such server: {owner}/{server}")
        found = [s for s in self.hub.shares if s.owner == owner and server in (None, s.server)]
        self.finish(json.dumps(self.paged([_share_model(share) for share in found])))


def _share_model(share: Share) -> dict[str, Any]:
    path = f"/user/{share.owner}/" + (f"{share.server}/" if share.server else "")
    return {
        "server": {
            "user": {"name": share.owner},
            "name": share.server,
            "url": path,
            "full_url": None,
            "ready": True,
        },
        "scopes": [f"access:servers!server={share.owner}/{share.server}"],
        "user": {"name": share.user} if share.user else None,
        "group": {"name": share.group} if share.group else None,
        "kind": "group" if share.group else "user",
        "created_at": share.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


class Authorize(HubHandler):
    """OAuth for a browser that is signed in already; clients need no confirmation."""

    def get(self) -> None:
        person = self.hub.sessions.get(self.get_cookie("jupyterhub-session-id") or "")
        client = self.hub.clients.get(self.get_argument("client_id"))
        if person is None:
            self.redirect("/hub/login?" + urlencode({"next": self.request.uri or ""}))
            return
        target = self.get_argument("redirect_uri")
        if client is None or client.redirect_uri != target:
            raise HTTPError(400, "Mismatching redirect URI.")
        code = secrets.token_hex(12)
        challenge = self.get_argument("code_challenge", None)
        session = str(self.get_cookie("jupyterhub-session-id"))
        self.hub.codes[code] = Code(client.client_id, person, session, target, challenge)
        self.redirect(url_concat(target, {"code": code, "state": self.get_argument("state", "")}))


class AccessToken(HubHandler):
    def check_xsrf_cookie(self) -> None:
        """Clients authenticate with their secret."""

    def post(self) -> None:
        client = self.hub.clients.get(self.get_body_argument("client_id", ""))
        if client is None or client.secret != self.get_body_argument("client_secret", ""):
            self._refuse(401, "invalid_client")
            return
        code = self.hub.codes.pop(self.get_body_argument("code", ""), None)
        if code is None or not self._fits(code):
            self._refuse(400, "invalid_grant")
            return
        access = self.hub.exchange(code)
        answer = {"access_token": access, "expires_in": 1209600, "token_type": "Bearer"}
        self.finish(json.dumps(answer))

    def _fits(self, code: Code) -> bool:
        proven = challenge_of(self.get_body_argument("code_verifier", ""))
        same_uri = code.redirect_uri == self.get_body_argument("redirect_uri", "")
        return same_uri and code.challenge in (None, proven)

    def _refuse(self, status: int, error: str) -> None:
        self.set_status(status)
        self.finish(json.dumps({"error": error}))


class Login(HubHandler):
    def get(self) -> Awaitable[None] | None:
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish("<!doctype html><title>JupyterHub</title><h1>Sign in</h1>")
        return None


class Proxy(HubHandler):
    """Where the real proxy would pass a request on, this sends the browser there."""

    def get(self) -> None:
        if not self.hub.service_url:
            raise HTTPError(404)
        self.redirect(self.hub.service_url + str(self.request.uri), status=307)


class Unknown(HubHandler):
    def prepare(self) -> None:  # type: ignore[override]
        raise HTTPError(404)


def routes(hub: FakeHub) -> list[Any]:
    """All of them, for one hub."""
    name = "([^/]+)"
    table: list[tuple[str, type[HubHandler]]] = [
        (r"/hub/api/?", Version),
        (r"/hub/api/user", Myself),
        (r"/hub/api/users", Users),
        (rf"/hub/api/users/{name}", User),
        (rf"/hub/api/users/{name}/server", Server),
        (rf"/hub/api/users/{name}/servers/{name}", Server),
        (r"/hub/api/groups", Groups),
        (rf"/hub/api/groups/{name}", Group),
        (rf"/hub/api/shares/{name}", ServerShares),
        (rf"/hub/api/shares/{name}/([^/]*)", ServerShares),
        (r"/hub/api/oauth2/authorize", Authorize),
        (r"/hub/api/oauth2/token", AccessToken),
        (r"/hub/login", Login),
        (r"/services/.*", Proxy),
        (r".*", Unknown),
    ]
    return [(path, handler, {"hub": hub}) for path, handler in table]
