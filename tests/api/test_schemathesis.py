"""What schemathesis makes of the OpenAPI file, sent to the running service as two people.

No 5xx, and no answer that the file does not describe. ``GET /events/stream`` is left out: it
answers 200 and then never ends, which schemathesis would wait for; ``test_events_api.py`` has it.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jupyterhub_vmshare.api.openapi import stored
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import handing
from tests.fakes.cloud import FakeCloud
from tests.fakes.hub import fake_hub
from tests.fixtures.api import Api
from tests.fixtures.api import Person as Caller
from tests.fixtures.service import running_service
from tests.fixtures.world import SmallWorld


@schemathesis.serializer("application/offset+octet-stream")
def _as_they_are(context: Any, value: Any) -> bytes:
    """The bytes of an upload are any bytes."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@contextmanager
def serving(where: Path, world: SmallWorld) -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """The service in a thread: its address, two people's tokens, and ids that are there."""
    loop, stack = asyncio.new_event_loop(), AsyncExitStack()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> tuple[str, dict[str, str], dict[str, str]]:
        hub = await stack.enter_async_context(fake_hub())
        world.move_into(hub)
        url = f"sqlite:///{where}/vmshare.sqlite"
        running = await stack.enter_async_context(
            running_service(where, url, hub, world, cloud=FakeCloud())
        )
        api = Api(running, stack)
        folder = await api("ana").make_folder("tests")
        await api("ana").write(folder, "notes.txt", b"hello")
        (grant,) = await api("ana").invite(folder, "edit", "ben")
        async with running.service.db.write() as tx:
            made = await handing.offer(tx, Person("ana"), folder, handing.Offer("ben"))
        tokens = {name: hub.visitor_token(name) for name in ("ana", "ben")}
        ids = {"folder_id": folder, "grant_id": grant, "hand_over_id": made.id, "person": "ben"}
        return running.api_url, tokens, {**ids, **await machines(api("ana"))}

    async def machines(ana: Caller) -> dict[str, str]:
        asked = {"name": "box", "size": "small", "image": "debian", "drive_gib": 1}
        box = await ana.ask("POST", "/machines", asked)
        return {"machine_id": box["id"], "drive_id": box["drives"][0]["drive_id"]}

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    try:
        yield run(begin())
    finally:
        run(stack.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def explore(where: Path, world: SmallWorld, seconds: float, examples: int) -> None:
    """Sends what can be made up within the time, and each operation once at least."""
    schema = schemathesis.openapi.from_dict(stored())
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    operations = [one for one in operations if one.path != "/events/stream"]
    sent, seen = 0, set[str]()
    with serving(where, world) as (url, tokens, ids):
        until = time.monotonic() + seconds
        for number, operation in enumerate(operations):
            # Each operation has its share of what is left, whatever the others took.
            left = until - time.monotonic()
            share = time.monotonic() + max(left, 0.5) / (len(operations) - number)

            def send(case: Any, share: float = share, operation: Any = operation) -> None:
                nonlocal sent
                if time.monotonic() > share and operation.label in seen:
                    return
                seen.add(operation.label)
                sent += 1
                # Every other request is for things that are there.
                if sent % 2:
                    known = {k: v for k, v in ids.items() if k in (case.path_parameters or {})}
                    case.path_parameters = {**(case.path_parameters or {}), **known}
                name = ("ana", "ben")[sent // 2 % 2]
                case.headers = {**(case.headers or {}), "Authorization": f"Bearer {tokens[name]}"}
                case.call_and_validate(base_url=url, checks=CHECKS, timeout=30)

            _played(operation, send, examples)
    print(f"{sent} requests")
    assert len(seen) == len(operations)


def _played(operation: Any, send: Any, examples: int) -> None:
    settings = hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    made_up = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )
    settings(hypothesis.given(case=made_up)(lambda case: send(case)))()


def test_nothing_that_is_made_up_breaks_the_service(
    tmp_path: Path, small_world: SmallWorld
) -> None:
    explore(tmp_path, small_world, seconds=25, examples=15)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_at_length(tmp_path: Path, small_world: SmallWorld) -> None:
    explore(tmp_path, small_world, seconds=240, examples=400)
