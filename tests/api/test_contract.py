"""The OpenAPI file, the routes and the permission tables say the same."""

from __future__ import annotations

from jupyterhub_vmshare.api.openapi import build, operations, stored, text_of
from jupyterhub_vmshare.api.operation import HUB_HOOK, PUBLIC
from jupyterhub_vmshare.api.routes import ROUTES
from jupyterhub_vmshare.policy.tables import ACTIONS, PROJECT_ACTIONS


def test_the_file_is_what_the_routes_make() -> None:
    assert text_of(stored()) == text_of(build(ROUTES)), "run: jupyterhub-vmshare openapi"


def test_every_operation_names_one_action() -> None:
    named = [
        operation["x-action"] for path in stored()["paths"].values() for operation in path.values()
    ]
    assert len(named) == sum(len(operations(route)) for route in ROUTES)
    assert set(named) <= {*ACTIONS, *PROJECT_ACTIONS, PUBLIC, HUB_HOOK}


def test_no_two_routes_are_one_path() -> None:
    assert len({route.path for route in ROUTES}) == len(ROUTES)
    ids = [o["operationId"] for path in stored()["paths"].values() for o in path.values()]
    assert len(set(ids)) == len(ids)
