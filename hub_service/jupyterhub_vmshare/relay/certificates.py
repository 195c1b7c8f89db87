"""What each certificate says. Every one is of minutes, but a machine's and the relay's own.

Three authorities, so that none of them can stand in for another: **people** signs what a person
shows the relay, **machines** what the relay shows a machine, **hosts** whom both may believe.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import asyncssh

from jupyterhub_vmshare.errors import BadInput


class Kind(StrEnum):
    """Whose certificates an authority signs."""

    PEOPLE = "people"
    MACHINES = "machines"
    HOSTS = "hosts"


LASTS: Final = timedelta(minutes=5)
"""How long somebody has to connect. The connection itself is held by the relay."""
TO_A_MACHINE_LASTS: Final = timedelta(minutes=2)
HOST_LASTS: Final = timedelta(days=30)
SKEW: Final = timedelta(minutes=1)
"""Clocks differ."""

HELPER: Final = "vmshare"
SERVE: Final = "/usr/local/sbin/vmshare-machine serve"
_LINE: Final = re.compile(r"[a-z0-9@.-]{7,60} [A-Za-z0-9+/]{40,4000}={0,2}( [^\r\n]{0,200})?")
_KINDS: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ssh-rsa")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]")


def public_key(line: str) -> asyncssh.SSHKey:
    """A key that somebody sent, as OpenSSH writes public keys. Raises `BadInput`."""
    text = line.strip()
    if _LINE.fullmatch(text) is None or text.partition(" ")[0] not in _KINDS:
        raise BadInput(
            "This is no public key as OpenSSH writes one (ssh-ed25519, ecdsa-sha2-nistp256,"
            " ecdsa-sha2-nistp384 or ssh-rsa)."
        )
    try:
        key = asyncssh.import_public_key(text)
    except (asyncssh.KeyImportError, ValueError):
        raise BadInput("The public key can't be read.") from None
    if key.get_algorithm() != text.partition(" ")[0]:
        raise BadInput("The public key is of another kind than it says.")
    return key


def login(person: str, machine_id: str) -> str:
    """The user name at the relay, and the one principal of the certificate that opens it.

    Hub names may hold anything; what SSH clients make trouble about is written as ``=XX``.
    """
    plain = (
        each if _PLAIN.fullmatch(each) else "".join(f"={byte:02X}" for byte in each.encode())
        for each in person
    )
    return f"{''.join(plain)}@{machine_id}"


def of_login(name: str) -> tuple[str, str]:
    """Person and machine. Raises `ValueError` for what no `login` makes."""
    quoted, at, machine_id = name.rpartition("@")
    raw = re.sub(r"=([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), quoted)
    person = raw.encode("latin-1", "strict").decode()
    if not (at and quoted and machine_id) or login(person, machine_id) != name:
        raise ValueError(name)
    return person, machine_id


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs with one generation of an authority, at one moment."""

    signer: asyncssh.SSHKey
    at: datetime

    def for_person(self, key: asyncssh.SSHKey, person: str, machine_id: str) -> str:
        """To show the relay, for one machine."""
        return self._user(key, person, login(person, machine_id), LASTS, port_forwarding=True)

    def for_account(
        self, key: asyncssh.SSHKey, account: str, machine_id: str, source: str | None
    ) -> str:
        """To show that machine, from the relay's address."""
        principal = f"{account}@{machine_id}"
        return self._user(
            key, principal, principal, TO_A_MACHINE_LASTS, port_forwarding=True, source=source
        )

    def for_helper(self, key: asyncssh.SSHKey, machine_id: str, source: str | None) -> str:
        """To show that machine as root, for its helper and nothing else."""
        principal = f"{HELPER}@{machine_id}"
        return self._user(
            key, principal, principal, TO_A_MACHINE_LASTS, source=source, command=SERVE
        )

    def for_host(self, key: asyncssh.SSHKey, names: list[str]) -> str:
        """For whoever is found under these names."""
        made = self.signer.generate_host_certificate(
            key,
            names[0],
            serial=secrets.randbits(63),
            principals=names,
            valid_after=self.at - SKEW,
            valid_before=self.at + HOST_LASTS,
        )
        return line_of(made)

    def _user(
        self,
        key: asyncssh.SSHKey,
        key_id: str,
        principal: str,
        lasts: timedelta,
        *,
        port_forwarding: bool = False,
        source: str | None = None,
        command: str | None = None,
    ) -> str:
        made = self.signer.generate_user_certificate(
            key,
            key_id,
            serial=secrets.randbits(63),
            principals=[principal],
            valid_after=self.at - SKEW,
            valid_before=self.at + lasts,
            force_command=command,
            source_address=[source] if source else None,
            permit_x11_forwarding=False,
            permit_agent_forwarding=False,
            permit_user_rc=False,
            permit_port_forwarding=port_forwarding,
            permit_pty=command is None,
        )
        return line_of(made)


def line_of(key: asyncssh.SSHKey | asyncssh.SSHCertificate) -> str:
    """As OpenSSH writes public keys and certificates, without a comment."""
    exported = (
        key.export_public_key() if isinstance(key, asyncssh.SSHKey) else key.export_certificate()
    )
    return " ".join(exported.decode().split()[:2])
