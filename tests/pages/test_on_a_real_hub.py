"""The pages through a real hub's login and proxy."""

from __future__ import annotations

import pytest

from tests.fixtures.real_hub import RealHub
from tests.pages.conftest import NAVIGATE, token_in

pytestmark = pytest.mark.slow


def test_a_folder_is_deleted_for_ever_on_the_confirm_page(real_hub: RealHub) -> None:
    api = real_hub.person("ana")
    folder = api.post("/folders", json={"name": "tests"}).json()["id"]
    api.post(f"/folders/{folder}/trash").raise_for_status()
    path = f"/services/vmshare/confirm/delete-folder/{folder}"
    with real_hub.process.sign_in("ana") as ana:
        assert "Hello, ana" in ana.client.get("/services/vmshare/", headers=NAVIGATE).text
        page = ana.client.get(path, headers=NAVIGATE)
        form = {"form": token_in(page), "name": "tests"}
        elsewhere = {**NAVIGATE, "Origin": "https://evil.example"}
        assert ana.client.post(path, data=form, headers=elsewhere).status_code == 403
        here = {**NAVIGATE, "Origin": real_hub.url}
        assert "deleted for ever" in ana.client.post(path, data=form, headers=here).text
    assert api.get("/folders", params={"state": "trashed"}).json()["items"] == []


def test_a_hub_admin_is_one_on_the_pages(real_hub: RealHub) -> None:
    with real_hub.process.sign_in("root-hub") as admin:
        assert "hub admin" in admin.client.get("/services/vmshare/", headers=NAVIGATE).text


def test_signing_out_of_the_hub_ends_it_within_ten_seconds(real_hub: RealHub) -> None:
    with real_hub.process.sign_in("ben") as ben:
        assert "Hello, ben" in ben.client.get("/services/vmshare/", headers=NAVIGATE).text
        path = "/services/vmshare/confirm/delete-folder/fld_" + "0" * 26
        ben.client.get("/hub/logout")
        # The confirm page asks anew, so it needs no ten seconds.
        page = ben.client.get(path, headers=NAVIGATE)
    assert page.url.path == "/hub/login"


def test_who_gets_a_name_that_was_somebodys_finds_nothing_of_theirs(real_hub: RealHub) -> None:
    hub = real_hub.process
    hub.add_people("finn")
    first, ana = real_hub.person("finn"), real_hub.person("ana")
    own = first.post("/folders", json={"name": "reef"}).json()["id"]
    folder = ana.post("/folders", json={"name": "for finn"}).json()["id"]
    grants = {"grants": [{"receiver": "finn", "level": "view"}]}
    told = ana.post(f"/folders/{folder}/grants", json=grants).json()
    first.post(f"/invitations/{told['results'][0]['grant']['id']}/accept").raise_for_status()
    assert len(first.get("/folders").json()["items"]) == 2
    hub.api("DELETE", "users/finn")
    hub.add_people("finn")
    second = real_hub.person("finn")
    assert second.get("/folders").json()["items"] == []
    assert second.get(f"/folders/{own}").status_code == 404
    assert ana.get(f"/folders/{folder}/people").json()["grants"] == []
    with hub.sign_in("root-hub") as admin:
        left = admin.client.get("/services/vmshare/leavers", headers=NAVIGATE).text
    assert "finn/2" in left and "reef" in left
