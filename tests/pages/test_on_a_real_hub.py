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
