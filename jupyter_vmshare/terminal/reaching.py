"""Machines from a terminal: OpenSSH's own programs, with a certificate of minutes.

The key is made here for one connection and leaves this computer never. Nothing has to be confirmed
at the first connection: the relay shows a certificate, and what signed it comes with ours.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from jupyter_vmshare.client.errors import NotAllowed, NotFound
from jupyter_vmshare.terminal.showing import DONE, Asked, Share, show
from jupyter_vmshare.widgets.connect import VMShare
from jupyterhub_vmshare.api.contract.machines import MachineView
from jupyterhub_vmshare.api.contract.ways import CertificateView

KEPT: Final = Path("~/.ssh/vmshare")
_ID: Final = re.compile(r"mch_[0-9a-hjkmnp-tv-z]{26}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_PORTS: Final = re.compile(r"(?:(\d{1,5}):)?(\d{1,5})")


def add_to(verb: Callable[..., Any]) -> None:
    """The verbs of this file."""
    reached = verb("ssh", ssh)
    reached.add_argument("machine", help="a machine's name or id")
    reached.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="command", help="what to run; a shell by default"
    )
    copied = verb("cp", cp)
    copied.add_argument("-r", "--recursive", action="store_true", help="directories with it")
    copied.add_argument(
        "paths", nargs="+", metavar="[MACHINE:]PATH", help="what, and last where to"
    )
    forwarded = verb("forward", forward)
    forwarded.add_argument("machine", help="a machine's name or id")
    forwarded.add_argument(
        "ports", nargs="+", metavar="[LOCAL:]PORT", help="of a program of yours on the machine"
    )
    verb("ssh-config", ssh_config).add_argument(
        "machines", nargs="*", metavar="machine", help="all that you may use by default"
    )
    verb("certificate", certificate).add_argument("machine", help="a machine's id")


def ssh(asked: Asked) -> int:
    """Open a shell on a machine, or run a command there."""
    words = asked.words[1:] if asked.words[:1] == ["--"] else asked.words
    with Share() as share:
        machine = find(share, asked.machine)
        with _entrance(share, machine.id) as options:
            return _run("ssh", *options, "--", machine.id, *words)


def cp(asked: Asked) -> int:
    """Copy files to a machine, or from one."""
    *sources, target = asked.paths
    if not sources:
        raise ValueError("Say what to copy, and where to.")
    names = {name for path in asked.paths if (name := _machine_in(path)) is not None}
    if len(names) != 1:
        raise ValueError("One side is a machine: gpu-box:results.csv and a path here.")
    with Share() as share:
        machine = find(share, names.pop())
        with _entrance(share, machine.id) as options:
            paths = [_for_scp(path, machine.id) for path in (*sources, target)]
            return _run("scp", *options, *(["-r"] if asked.recursive else []), "--", *paths)


def forward(asked: Asked) -> int:
    """Have programs of yours on a machine answer here, until you press Ctrl+C."""
    ports = [_ports(text) for text in asked.ports]
    with Share() as share:
        machine = find(share, asked.machine)
        ways = [f"-L127.0.0.1:{here}:localhost:{there}" for here, there in ports]
        with _entrance(share, machine.id) as options:
            for here, there in ports:
                print(f"http://127.0.0.1:{here}/ is port {there} of {asked.machine}", flush=True)
            return _run("ssh", *options, "-N", "-oExitOnForwardFailure=yes", *ways, machine.id)


def ssh_config(asked: Asked) -> int:
    """Print what makes ssh, rsync and VS Code know your machines."""
    stanzas: dict[str, str] = {}
    with Share() as share:
        every = list(share.client.machines())
        for machine in [find(share, name) for name in asked.machines] or every:
            try:
                stanzas[machine.id] = _stanza(share, machine, every)
            except (NotAllowed, NotFound):
                if asked.machines:
                    raise  # of an invitation there is nothing to write
    text = "\n".join(stanzas.values())
    told = {"config": text, "machines": list(stanzas)}
    return show(asked, told, text or "# There is no machine that you may use.")


def certificate(asked: Asked) -> int:
    """Renew what ssh shows for a machine; the lines of ssh-config call this."""
    if not _ID.fullmatch(asked.machine):
        raise ValueError("Say a machine's id, as ssh-config writes it.")
    place = KEPT.expanduser() / asked.machine
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Share() as share:
        given = _certify(share, asked.machine, place)
    return show(asked, {"valid_until": given.valid_until.isoformat()}, "")


def find(share: VMShare, name: str) -> MachineView:
    """The one with that id or name. Raises `LookupError` with a sentence."""
    every = list(share.client.machines())
    if found := [each for each in every if each.id == name]:
        return found[0]
    named = [each for each in every if each.name == name]
    if len(named) == 1:
        return named[0]
    if not named:
        raise LookupError(f"You have no machine called {name!r}.")
    told = ", ".join(f"{each.id} ({each.owner}'s)" for each in named)
    raise LookupError(f"You have several machines called {name!r}: say which by its id: {told}.")


@contextlib.contextmanager
def _entrance(share: VMShare, machine_id: str) -> Iterator[list[str]]:
    """Options for OpenSSH's programs, which hold as long as the key does: one connection."""
    above = os.environ.get("XDG_RUNTIME_DIR")
    usable = above if above and os.access(above, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="vmshare-", dir=usable) as place:
        given = _certify(share, machine_id, Path(place))
        settings = _settings(given, Path(place))
        yield ["-F", "none", *(f"-o{name}={value}" for name, value in settings.items())]


def _certify(share: VMShare, machine_id: str, place: Path) -> CertificateView:
    """A new key, and a certificate for it, in a directory of ours alone."""
    key = place / "key"
    for old in (key, place / "key.pub"):
        old.unlink(missing_ok=True)
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
    subprocess.run(made, check=True, stdin=subprocess.DEVNULL)
    line = (place / "key.pub").read_text().strip()
    given = share.client.machine_certificate(machine_id, line)
    (place / "key-cert.pub").write_text(given.certificate + "\n")
    (place / "known_hosts").write_text("".join(f"{line}\n" for line in given.known_hosts))
    return given


def _settings(given: CertificateView, place: Path) -> dict[str, str]:
    """As ssh_config writes them."""
    return {
        "HostName": given.host,
        "Port": str(given.port),
        "User": given.user,
        "IdentityFile": _quoted(place / "key"),
        "CertificateFile": _quoted(place / "key-cert.pub"),
        "UserKnownHostsFile": _quoted(place / "known_hosts"),
        "HostKeyAlias": given.host_key_alias,
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "ServerAliveInterval": "15",
    }


def _quoted(path: Path) -> str:
    """A path in ssh_config; ``%`` begins a token there."""
    return '"' + str(path).replace("%", "%%") + '"'


def _stanza(share: VMShare, machine: MachineView, every: Sequence[MachineView]) -> str:
    """One machine's lines. Only its id becomes a word of a command."""
    # Whole, since for ssh the tilde is the account's home, whatever HOME says.
    place = KEPT.expanduser() / machine.id
    is_alone = sum(each.name == machine.name for each in every) == 1
    name = machine.name if _PLAIN.fullmatch(machine.name) and is_alone else machine.id
    with tempfile.TemporaryDirectory(prefix="vmshare-") as passing:
        given = _certify(share, machine.id, Path(passing))
    settings = _settings(given, place)
    lines = "\n".join(f"    {name} {value}" for name, value in settings.items())
    # It is renewed whenever somebody connects.
    command = f"{_ourselves()} certificate {machine.id}"
    return f'Match originalhost {name} exec "{command}"\n{lines}\n'


def _ourselves() -> str:
    """How a shell finds this program."""
    if shutil.which("jupyter-vmshare"):
        return "jupyter vmshare"
    return f"{sys.executable} -m jupyter_vmshare.cli"


def _machine_in(path: str) -> str | None:
    """The machine of ``gpu-box:path``; None for a path here."""
    name, colon, _ = path.partition(":")
    return name if colon and "/" not in name else None


def _for_scp(path: str, machine_id: str) -> str:
    if _machine_in(path) is None:
        return path if path.startswith(("/", ".")) else f"./{path}"
    return f"{machine_id}:{path.partition(':')[2]}"


def _ports(text: str) -> tuple[int, int]:
    match = _PORTS.fullmatch(text)
    if match is None or not 0 < int(match[2]) < 65_536 or int(match[1] or match[2]) > 65_535:
        raise ValueError(f"{text!r} is no port: say 8888, or 9000:8888.")
    return int(match[1] or match[2]), int(match[2])


def _run(program: str, *words: str) -> int:
    """A program of OpenSSH's, at this terminal; its exit code."""
    if shutil.which(program) is None:
        raise FileNotFoundError(f"{program} is not installed here: install OpenSSH's client.")
    return subprocess.run([program, *words]).returncode or DONE
