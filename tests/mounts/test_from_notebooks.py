"""`mounted()` in kernels of running sessions, with a real service, agent and guard."""

from __future__ import annotations

import pytest

from tests.fixtures.mounted_hub import MountedHub, eventually

pytestmark = [pytest.mark.slow, pytest.mark.mounts]

CONNECT = "from jupyter_vmshare import connect; vm = connect(); "


@pytest.mark.scenario("M1")
@pytest.mark.parametrize("is_wanted", [True, False], ids=["mounted already", "unmounted before"])
def test_a_folder_is_a_directory_for_the_length_of_a_with(
    mounted_hub: MountedHub, is_wanted: bool
) -> None:
    name = "wanted" if is_wanted else "unwanted"
    folder = mounted_hub.folder("ana", name, notes_txt=b"hello")
    mounted_hub.share(folder, "ana", "ben", "view")
    ben = mounted_hub.kernel("ben")
    eventually(lambda: ben.say(f"{CONNECT}print(vm.folders[{name!r}].path)") != "None")
    if not is_wanted:
        ben.say(f"{CONNECT}vm.folders[{name!r}].unmount()")
    said = ben.say(
        f"{CONNECT}folder = vm.folders[{name!r}]\n"
        "with folder.mounted() as path:\n"
        "    print((path / 'notes.txt').read_text(), path)\n"
    )
    assert said.startswith("hello ")
    assert said.endswith(f"/homes/ben/shared/{name}")
    there = ben.say(f"import os; print({name!r} in os.listdir(os.environ['VMSHARE_SHARED_DIR']))")
    assert there == str(is_wanted)


@pytest.mark.scenario("M8")
def test_the_doctor_finds_that_mounts_work(mounted_hub: MountedHub) -> None:
    code, said = mounted_hub.kernel("ben").shell("jupyter vmshare doctor")
    assert code == 0, said
    assert "folders are mounted, below" in said
