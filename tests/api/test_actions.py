"""Every route names exactly one action of the permission tables, or a credential."""

from __future__ import annotations

import pytest

from jupyterhub_vmshare.api.openapi import operations
from jupyterhub_vmshare.api.operation import HUB_HOOK, PUBLIC, Operation, operation_of
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.api.routes import ROUTES
from jupyterhub_vmshare.policy.tables import ACTIONS, PROJECT_ACTIONS

OPERATIONS = [
    pytest.param(op, id=f"{method.upper()} {route.path}")
    for route in ROUTES
    for method, op in operations(route)
]


@pytest.mark.parametrize("op", OPERATIONS)
def test_a_route_names_an_action_of_the_tables(op: Operation) -> None:
    assert op.action in ACTIONS | PROJECT_ACTIONS or op.action in (PUBLIC, HUB_HOOK)


@pytest.mark.parametrize("route", ROUTES, ids=[route.path for route in ROUTES])
def test_a_method_that_is_written_is_declared(route: type[Route]) -> None:
    written = {name for name in ("get", "post", "put", "patch", "delete") if name in vars(route)}
    undeclared = {name for name in written if operation_of(getattr(route, name)) is None}
    assert not undeclared
    assert written


def test_only_the_contract_itself_is_public() -> None:
    public = {r.path for r in ROUTES for _, op in operations(r) if op.action == PUBLIC}
    assert public == {"/openapi.json"}


def test_only_sessions_are_told_by_the_hubs_hook() -> None:
    told = {r.path for r in ROUTES for _, op in operations(r) if op.action == HUB_HOOK}
    assert told == {"/hub/sessions"}
