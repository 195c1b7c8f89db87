"""Who stands in which column of the tables, on live machines."""

from __future__ import annotations

import csv
from importlib.resources import files

from jupyterhub_vmshare.policy import model as policy
from jupyterhub_vmshare.sharing import inviting
from jupyterhub_vmshare.sharing.model import Grant
from tests.relay.live import Live

ALL = frozenset({"terminal", "files", "upload", "download", "apps"})
HOLDERS = {
    **dict.fromkeys(("co_owner", "manager", "user", "attach_write", "attach_read"), "ben"),
    **{"owner": "ana", "invited": "ben", "hub_admin": "root-hub", "stranger": "dan"},
}


def table(name: str) -> dict[str, dict[str, str]]:
    """The cells by action and column, read without the product's loader."""
    path = files("jupyterhub_vmshare.policy") / "tables" / f"{name}.csv"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return {row["action"]: row for row in csv.DictReader(lines)}


def held(name: str) -> list[str]:
    """The columns of a table that somebody can hold as themselves: a project is nobody."""
    return [name for name in next(iter(table(name).values())) if name in HOLDERS]


async def hold(way: Live, column: str, thing: str, ticks: frozenset[str] = ALL) -> str | None:
    """Put somebody in the column of a machine or a drive of ana's; the grant by which they are."""
    person = HOLDERS[column]
    if column in ("owner", "hub_admin", "stranger"):
        return None
    if column == "co_owner":
        return await co_own(way, person, thing)
    grant = await _invited(way, column, thing, ticks)
    if column != "invited":
        await way.api(person).accept(grant)
    return grant


async def _invited(way: Live, column: str, thing: str, ticks: frozenset[str]) -> str:
    one: dict[str, object] = {"receiver": HOLDERS[column]}
    if thing.startswith("drv_"):
        path = f"/drives/{thing}/grants"
        one["level"] = "attach_read" if column == "invited" else column
    else:
        path = f"/machines/{thing}/{'managers' if column == 'manager' else 'users'}"
        one["ticks"] = sorted(ticks)
    told = await way.api("ana").ask("POST", path, {"grants": [one]})
    [result] = told["results"]
    assert result["grant"], told
    return str(result["grant"]["id"])


async def co_own(way: Live, person: str, thing: str) -> str:
    """As the page of the service does when its confirmation was typed; then it is accepted."""
    service = way.running.service
    teams = {name: await service.membership.teams_of(name) for name in ("ana", person)}
    wanted = [inviting.Wanted(person, "co_own", confirmed=True)]
    async with service.db.write() as tx:
        giver = policy.Person("ana", teams=teams["ana"])
        [made] = await inviting.invite(tx, giver, thing, wanted, {person: teams[person]})
    assert isinstance(made, Grant), made
    await way.api(person).accept(made.id)
    return made.id


async def give_up(way: Live, column: str, thing: str, grant: str | None) -> None:
    """Take it away again; nobody can take a co-ownership, so it is left."""
    if column == "co_owner":
        kind = "drives" if thing.startswith("drv_") else "machines"
        await way.api(HOLDERS[column]).ask("POST", f"/{kind}/{thing}/leave")
    elif grant is not None:
        await way.revoke(grant)


async def own_machine(way: Live, person: str) -> str:
    """A machine of somebody's own without a drive, made when it is asked for first."""
    name = f"box-of-{person}"
    found = (await way.api(person).ask("GET", "/machines"))["items"]
    for each in found:
        if each["name"] == name:
            return str(each["id"])
    return await way.make(name, by=person)
