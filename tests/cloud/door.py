"""A machine that believes an authority of the test's, as the relay and people come to it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyterhub_vmshare.cloud.port import Seed
from jupyterhub_vmshare.ids import new_id
from tests.cloud.bench import Bench
from tests.cloud.shell import ssh
from tests.fixtures.sandboxes import KeeperProcess


@dataclass(frozen=True)
class Door:
    """A machine that believes one authority, and that authority."""

    keeper: KeeperProcess
    machine: str
    mark: str
    where: Path

    @property
    def socket(self) -> Path:
        return self.keeper.run / "ssh" / f"{self.machine}.sock"

    def key(self, *principals: str, valid: str = "+5m") -> Path:
        """A fresh key with a certificate beside it."""
        key = self.where / f"key-{len(list(self.where.iterdir()))}"
        new_key(key)
        command = ["ssh-keygen", "-q", "-s", str(self.where / "authority"), "-I", "test",
                   "-n", ",".join(principals), "-V", valid, f"{key}.pub"]  # fmt: skip
        subprocess.run(command, check=True)
        return key

    def order(self, **order: Any) -> dict[str, Any]:
        """An order to the root helper on the machine, as the relay gives it."""
        line = json.dumps({"id": 1, **order}).encode() + b"\n"
        done = ssh(self.socket, "root", "ignored", key=self.key(f"vmshare@{self.mark}"), told=line)
        answer: dict[str, Any] = json.loads(done.stdout)
        assert "done" in answer, answer
        return answer

    def runs(self, account: str, line: str, key: Path) -> bool:
        return ssh(self.socket, account, line, key=key).returncode == 0


def new_key(path: Path) -> None:
    """A key of nobody's yet."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


async def machine_for(bench: Bench, authority: Path) -> tuple[str, str]:
    """A machine that runs and believes the authority; its id and its mark."""
    mark = new_id("mch")
    key = " ".join(authority.read_text().split()[:2])
    wanted = replace(bench.wanted(mark), seed=Seed("gpu-box", mark, (key,)))
    machine = await bench.cloud.create_machine(wanted)
    await bench.settled(machine)
    await bench.keys(machine)
    return machine, mark
