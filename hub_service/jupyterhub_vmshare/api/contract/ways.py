"""Wire models of the way into machines: for people, for the relay, and of what it is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from jupyterhub_vmshare.api.contract.base import Asked, PersonName, Timestamp, Told

_MACHINE = r"^mch_[0-9a-hjkmnp-tv-z]{26}$"
MachineId = Annotated[str, Field(pattern=_MACHINE)]
PublicKey = Annotated[
    str, Field(min_length=40, max_length=4500, description="As OpenSSH writes public keys.")
]


class NewCertificate(Asked):
    """A key that a person made for one connection; its private half never leaves them."""

    public_key: PublicKey


class CertificateView(Told):
    """What opens one machine, at the relay and nowhere else, for some minutes."""

    certificate: str
    valid_until: Timestamp = Field(description="To connect; a connection may last longer.")
    user: str = Field(description="The user name to connect as.")
    host: str = Field(description="The relay's address.")
    port: int
    host_key_alias: str = Field(description="Under which name the relay's certificate is known.")
    known_hosts: list[str] = Field(description="Lines of a known_hosts file that know the relay.")


class NewRelayLink(Asked):
    """Somebody has come to the relay with a certificate for a machine."""

    person: PersonName
    machine_id: MachineId
    public_key: PublicKey = Field(description="The relay's own, of this start.")


class LaterRight(Told):
    """What is left from a moment on."""

    at: Timestamp
    allowed: frozenset[str]


class RightView(Told):
    """What one person may do on one machine, in one version; nothing: the link is to be cut."""

    person: str
    machine_id: str
    version: int
    allowed: frozenset[str]
    later: list[LaterRight] = Field(default_factory=list)
    because: str | None = None


class MachineDoor(Told):
    """Where a machine is, how it is known, and what opens its helper."""

    machine_id: str
    name: str
    unix_path: str | None = None
    host: str | None = None
    port: int = 22
    host_keys: list[str]
    helper_certificates: list[str]
    believed: list[str] = Field(description="The authorities that the machine is to believe.")


class RelayLinkView(Told):
    """Everything that the relay needs for one link."""

    right: RightView
    account: str
    uid: int
    sudo: bool
    door: MachineDoor
    account_certificates: list[str]


class Welcome(Told):
    """The service's first word to a relay: whom it believes, and what shows who it is."""

    kind: Literal["welcome"] = "welcome"
    people: list[str]
    host_certificate: str


class Changed(Told):
    """A right is another one now."""

    kind: Literal["changed"] = "changed"
    right: RightView


class Lock(Told):
    """Cut every link of this person to this machine, lock the account there, end its processes."""

    kind: Literal["lock"] = "lock"
    right: RightView
    account: str
    uid: int
    door: MachineDoor | None = Field(description="Null: the machine does not run.")


class Look(Told):
    """See how much these machines are used, since they stop when nobody uses them."""

    kind: Literal["look"] = "look"
    doors: list[MachineDoor]


class Held(Told):
    """A link that the relay has."""

    person: str
    machine_id: str
    channels: int


class Hello(Told):
    """The relay's first word, and its answer to how things are."""

    kind: Literal["hello"] = "hello"
    host_key: str = Field(description="What it shows people; a certificate comes back.")
    public_key: str = Field(description="What it shows machines.")
    held: list[Held]


class Busy(Told):
    """Who is on which machine; said again and again."""

    kind: Literal["busy"] = "busy"
    held: list[Held]


class Used(Told):
    """How much a machine is used."""

    kind: Literal["used"] = "used"
    machine_id: str
    channels: int = Field(description="That are open to it through this relay.")
    processors: float | None = Field(
        description="That were busy since this was asked last, on average; null: not known yet."
    )


class Locked(Told):
    """What came of a lock."""

    kind: Literal["locked"] = "locked"
    person: str
    machine_id: str
    version: int
    channels: int = Field(description="What was cut.")
    processes: int = Field(description="What was ended.")
    remaining: int = Field(description="What can't be ended, since it waits for a disk.")
    because: str | None = Field(None, description="Why it was not done; the service asks again.")


ToRelay = Annotated[Welcome | Changed | Lock | Look, Field(discriminator="kind")]
FromRelay = Annotated[Hello | Busy | Used | Locked, Field(discriminator="kind")]

TO_RELAY: TypeAdapter[ToRelay] = TypeAdapter(ToRelay)
FROM_RELAY: TypeAdapter[FromRelay] = TypeAdapter(FromRelay)
