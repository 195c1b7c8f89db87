"""Authorities are sealed, rotate, and sign nothing that another one would."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
import pytest
import pytest_asyncio
import sqlalchemy as sa

from jupyterhub_vmshare.commands.authorities import KeepAuthorities
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import authorities as table
from jupyterhub_vmshare.db.upgrade import upgrade
from jupyterhub_vmshare.errors import BadInput, Conflict
from jupyterhub_vmshare.relay.authorities import Authorities
from jupyterhub_vmshare.relay.certificates import Issuer, Kind, line_of, login, of_login, public_key
from jupyterhub_vmshare.relay.sealing import NotSealed, Sealing, new_key, sealing_of

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
SEALING = Sealing.of(new_key(), "the test")


@pytest_asyncio.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(upgrade, database_url)
    database = Database(database_url, clock=lambda: AT)
    yield database
    await database.close()


@pytest.mark.asyncio
async def test_private_halves_lie_sealed_and_open_with_the_operators_key_alone(
    db: Database,
) -> None:
    await Authorities(db, SEALING).start()
    async with db.read() as conn:
        rows = (await conn.execute(table.select())).all()
    assert sorted(row.kind for row in rows) == sorted(Kind)
    assert all(b"PRIVATE" not in row.sealed and b"openssh" not in row.sealed for row in rows)
    with pytest.raises(NotSealed, match="not the one"):
        await Authorities(db, Sealing.of(new_key(), "another")).start()


@pytest.mark.asyncio
async def test_a_sealed_key_can_not_be_put_in_anothers_place(db: Database) -> None:
    """Whoever writes the database could otherwise have people's authority sign for machines."""
    await Authorities(db, SEALING).start()
    async with db.write() as tx:
        people = sa.select(table.c.sealed).where(table.c.kind == "people").scalar_subquery()
        await tx.conn.execute(
            table.update().where(table.c.kind == "machines").values(sealed=people)
        )
    with pytest.raises(NotSealed):
        await Authorities(db, SEALING).issuer(Kind.MACHINES)


@pytest.mark.asyncio
async def test_several_that_start_at_once_make_one_of_each(db: Database) -> None:
    every = [Authorities(db, SEALING) for _ in range(6)]
    await asyncio.gather(*(each.start() for each in every))
    found = [await each.believed(Kind.MACHINES) for each in every]
    assert len(found[0]) == 1 and all(each == found[0] for each in found)


@pytest.mark.asyncio
async def test_a_new_generation_signs_at_once_and_the_old_one_is_believed_until_forgotten(
    db: Database,
) -> None:
    authorities = Authorities(db, SEALING)
    await authorities.start()
    old = (await authorities.believed(Kind.MACHINES))[0]
    assert await authorities.rotate(Kind.MACHINES) == 2
    new, *rest = await authorities.believed(Kind.MACHINES)
    assert rest == [old] and new != old
    assert len(await authorities.believed(Kind.PEOPLE)) == 1
    with pytest.raises(Conflict, match="rotate first"):
        await authorities.forget(Kind.MACHINES, 2)
    await authorities.forget(Kind.MACHINES, 1)
    assert await authorities.believed(Kind.MACHINES) == [new]
    assert [each.generation for each in await authorities.generations()].count(2) == 1
    async with db.read() as conn:
        gone = table.select().where(table.c.kind == "machines", table.c.generation == 1)
        assert (await conn.execute(gone)).one().sealed is None
    with pytest.raises(Conflict, match="no generation 1"):
        await authorities.forget(Kind.MACHINES, 1)


@pytest.mark.asyncio
async def test_another_sealing_key_takes_over(db: Database) -> None:
    await Authorities(db, SEALING).start()
    later = Sealing((bytes(range(32)), *SEALING.keys))
    await Authorities(db, later).reseal()
    await Authorities(db, Sealing(later.keys[:1])).start()


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        pytest.param(None, 0o600, "can't be read", id="no key at all"),
        pytest.param(new_key(), 0o640, "chmod 600", id="a key that others may read"),
        pytest.param("", 0o600, "holds no sealing key", id="an empty file"),
        pytest.param("secret of mine", 0o600, "holds no sealing key", id="something else"),
    ],
)
def test_without_a_key_a_sentence_says_what_to_do(
    text: str | None, mode: int, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "sealing-key"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    with pytest.raises(NotSealed, match=says) as refused:
        sealing_of(file, {})
    assert "secret of mine" not in refused.value.message


def issuer() -> Issuer:
    return Issuer(asyncssh.generate_private_key("ssh-ed25519"), AT)


KEY = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()


def told(line: str, tmp_path: Path) -> str:
    """What OpenSSH itself reads in a certificate."""
    file = tmp_path / "cert.pub"
    file.write_text(line)
    done = subprocess.run(["ssh-keygen", "-L", "-f", str(file)], capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def test_openssh_reads_what_each_certificate_allows(tmp_path: Path) -> None:
    person = told(issuer().for_person(KEY, "ana", "mch_1"), tmp_path)
    assert "Principals: ana@mch_1 Critical Options: (none) Extensions: permit-port-forwarding" in (
        person
    )
    account = told(issuer().for_account(KEY, "ana", "mch_1", "10.0.0.9"), tmp_path)
    assert "Principals: ana@mch_1 Critical Options: source-address 10.0.0.9" in account
    helper = told(issuer().for_helper(KEY, "mch_1", None), tmp_path)
    assert "force-command /usr/local/sbin/vmshare-machine serve Extensions: (none)" in helper
    host = told(issuer().for_host(KEY, ["vmshare-relay"]), tmp_path)
    assert "host certificate" in host and "Principals: vmshare-relay" in host


def test_a_persons_certificate_lasts_minutes(tmp_path: Path) -> None:
    found = told(issuer().for_person(KEY, "ana", "mch_1"), tmp_path)
    span = re.search(r"Valid: from (\S+) to (\S+)", found)
    assert span is not None
    begins, ends = map(datetime.fromisoformat, span.groups())
    assert ends - begins <= timedelta(minutes=6)


@pytest.mark.parametrize(
    "person",
    ["ana", "Ana.B-1", "ana@uni.example", "a b", "=41na", "-oProxyCommand=x", "é;$(x)`", "a/../b"],
)
def test_any_hub_name_becomes_a_user_name_that_ssh_takes_and_comes_back(person: str) -> None:
    name = login(person, "mch_1")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-=@")
    assert of_login(name) == (person, "mch_1")


@pytest.mark.parametrize("name", ["ana", "@", "=6@mch_1", "=61na@mch_1", "=FF@mch_1", "é@mch_1"])
def test_a_user_name_that_stands_for_nobody_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        of_login(name)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="nothing"),
        pytest.param("ssh-ed25519 AAAA", id="too short"),
        pytest.param("ssh-dss " + "A" * 400, id="a kind that is not taken"),
        pytest.param(line_of(KEY) + "\nssh-ed25519 AAAA", id="two lines"),
        pytest.param("-----BEGIN PUBLIC KEY-----\nMCow", id="PEM"),
        pytest.param(line_of(KEY)[:-12], id="one that is cut"),
        pytest.param(
            line_of(KEY).replace("ssh-ed25519", "ssh-rsa"), id="another kind than it says"
        ),
    ],
)
def test_what_is_no_public_key_is_refused(line: str) -> None:
    with pytest.raises(BadInput):
        public_key(line)


def test_the_command_lists_rotates_and_forgets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "sealing-key"
    key.touch(mode=0o600)

    def ca(*arguments: str) -> str:
        command = KeepAuthorities()
        where = (f"--data={tmp_path / 'data'}", f"--sealing-key-file={key}")
        command.initialize([*arguments, *where])
        command.start()
        return capsys.readouterr().out

    with pytest.raises(SystemExit):
        ca("list")
    key.write_text(ca("new-key"))
    assert "Generation 2 of people signs" in ca("rotate", "people")
    assert "Generation 1 of people is forgotten" in ca("forget", "people", "1")
    listed = ca("list")
    assert "people 1  forgotten" in listed
    assert "people 2  believed" in listed
    with pytest.raises(SystemExit):
        ca("rotate", "everything")
