"""Shared folders in running sessions: real hub, agent and guard, programs in people's kernels."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.mounted_hub import MountedHub, eventually

pytestmark = [pytest.mark.slow, pytest.mark.mounts]


def listed(hub: MountedHub, person: str) -> list[str]:
    """What a program of the person's sees in ``shared``."""
    found = hub.kernel(person).say(
        "import os, json; print(json.dumps(sorted(os.listdir(os.environ['VMSHARE_SHARED_DIR']))))"
    )
    return list(json.loads(found))


@pytest.mark.scenario("M1")
@pytest.mark.scenario("F3")
def test_what_ben_accepts_is_in_his_running_session(mounted_hub: MountedHub) -> None:
    ben = mounted_hub.kernel("ben")
    assert listed(mounted_hub, "ben") == []
    folder = mounted_hub.folder("ana", "tests", hello_txt=b"Hello from ana.\n")
    grant = mounted_hub.invite(folder, "ana", "ben", "view")
    assert listed(mounted_hub, "ben") == []
    mounted_hub.accept(grant, "ben")
    eventually(lambda: listed(mounted_hub, "ben"), lambda names: "tests" in names)
    assert ben.say("print(open('shared/tests/hello.txt').read())") == "Hello from ana."
    assert ben.run("open('shared/tests/new.txt', 'w')").error == "OSError"
