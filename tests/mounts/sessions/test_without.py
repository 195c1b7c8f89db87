"""A hub on which nothing can be mounted: everything else works, and it says what is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.kernel import Kernel
from tests.fixtures.mounted_hub import eventually
from tests.fixtures.real_hub import RealHub

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]


@pytest.fixture(scope="module")
def ben(real_hub: RealHub) -> Iterator[Kernel]:
    path = real_hub.start_server("ben")
    token = real_hub.process.token_for("ben", ["access:servers!user"])
    kernel = Kernel(f"{real_hub.url}{path}", token)
    yield kernel
    kernel.close()


@pytest.mark.scenario("M8")
def test_without_an_agent_a_session_starts_and_says_what_is_missing(
    real_hub: RealHub, ben: Kernel
) -> None:
    status, said = ben.shell("printenv VMSHARE_MOUNTS_BECAUSE; printenv VMSHARE_SHARED_DIR")
    assert status == 1, "there is no VMSHARE_SHARED_DIR"
    assert "jupyterhub-vmshare agent" in said, "how to get it"
    with real_hub.person("ben") as person:
        [session] = person.get("/sessions").json()["items"]
    assert session["mounts_available"] is False
    assert session["because"]


@pytest.mark.scenario("M8")
def test_without_mounts_folders_are_in_the_panel_all_the_same(
    real_hub: RealHub, ben: Kernel
) -> None:
    with real_hub.person("ana") as ana:
        folder = ana.post("/folders", json={"name": "tests"}).json()["id"]
        asked = {"path": "hello.txt"}
        ana.put(f"/folders/{folder}/file", params=asked, content=b"Hello.\n").raise_for_status()
        invited = {"grants": [{"receiver": "ben", "level": "view"}]}
        told = ana.post(f"/folders/{folder}/grants", json=invited).json()
    with real_hub.person("ben") as person:
        person.post(f"/invitations/{told['results'][0]['grant']['id']}/accept")
        assert person.get(f"/folders/{folder}/file", params=asked).text == "Hello.\n"
    code = "from jupyter_vmshare import connect; print(connect().folders['tests'].label)"
    assert ben.say(code) == "tests"


def test_a_kernel_can_be_interrupted(ben: Kernel) -> None:
    sent = ben.send("import time; time.sleep(600)")
    kernel = f"/api/kernels/{ben.id}"
    eventually(lambda: ben.client.get(kernel).json()["execution_state"], lambda s: s == "busy")
    ben.interrupt()
    assert ben.wait(sent).error == "KeyboardInterrupt"
