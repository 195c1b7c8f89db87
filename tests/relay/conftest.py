"""A machine of Debian's own parts, and who signs for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncssh
import pytest
import pytest_asyncio

from jupyterhub_vmshare.relay.certificates import Issuer, line_of
from tests.relay.machine import Machine, why_not
from tests.relay.scene import Scene, scene

MACHINE_ID = "mch_00000000000000000000000001"
ANA, BEN = ("ana", 20_001), ("ben", 20_002)


def new_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@dataclass(frozen=True)
class Signers:
    """The three authorities, without a database."""

    people: asyncssh.SSHKey = field(default_factory=new_key)
    machines: asyncssh.SSHKey = field(default_factory=new_key)

    def issuer(self, kind: str = "machines", at: datetime | None = None) -> Issuer:
        return Issuer(getattr(self, kind), at or datetime.now(UTC))


@pytest.fixture(scope="package")
def signers() -> Signers:
    return Signers()


@pytest.fixture(scope="package")
def machine(signers: Signers) -> Iterator[Machine]:
    """One for all tests; each uses accounts of its own."""
    if reason := why_not():
        pytest.skip(reason)
    made = Machine(MACHINE_ID, [line_of(signers.machines)])
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    if reason := why_not():
        pytest.skip(reason)
    async with scene(tmp_path_factory.mktemp("way")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def way(whole: Scene) -> AsyncIterator[Scene]:
    """The same for all tests, without what one of them cleared."""
    whole.rights.without.clear()
    await whole.clear()
    yield whole
