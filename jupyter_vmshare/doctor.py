"""What may be wrong between here and the VMShare service, found out step by step."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

from jupyter_vmshare._version import __version__
from jupyter_vmshare.client import Client, NotConfigured, Retries, VMShareError, service_token
from jupyter_vmshare.client.address import TOKEN_VARIABLES
from jupyter_vmshare.client.call import Answer, Call, reads
from jupyter_vmshare.shared_dir import NO_MOUNTS, SharedDir
from jupyter_vmshare.widgets.mounted import this_session
from jupyterhub_vmshare.api.contract.events import Health
from jupyterhub_vmshare.api.contract.mounts import MountState
from jupyterhub_vmshare.api.contract.people import Me

# End dates are kept to the second by the service's clock; more than this surprises people.
SKEW = 5.0
Verdict = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    verdict: Verdict
    sentence: str

    def as_json(self) -> dict[str, str]:
        """For ``--json``."""
        return asdict(self)


def examine(environ: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Each finding as soon as it is there; stops where nothing further can be found out."""
    environ = os.environ if environ is None else environ
    yield _hub(environ)
    yield _token(environ)
    try:
        client = Client(retries=Retries(attempts=1))
    except NotConfigured as error:
        yield Finding("configuration", "failed", str(error))
        return
    with client:
        address = client.address
        yield Finding("address", "ok", f"The service is at {address.url} ({address.source}).")
        yield from _service(client)


def _hub(environ: Mapping[str, str]) -> Finding:
    user = environ.get("JUPYTERHUB_USER")
    if user:
        name = environ.get("JUPYTERHUB_SERVER_NAME")
        which = f"{user}'s server {name}" if name else f"{user}'s notebook server"
        return Finding("hub", "ok", f"This is {which} on a JupyterHub.")
    return Finding("hub", "warning", "This is no notebook server of a JupyterHub.")


def _token(environ: Mapping[str, str]) -> Finding:
    try:
        service_token(environ=environ)
    except NotConfigured as error:
        return Finding("token", "failed", str(error))
    source = next(name for name in TOKEN_VARIABLES if environ.get(name, "").strip())
    return Finding("token", "ok", f"The token is that of {source}.")


def _service(client: Client) -> Iterator[Finding]:
    try:
        started = time.time()
        health, answer = client.run(_health(client))
        took = time.time() - started
    except VMShareError as error:
        yield Finding("service", "failed", str(error))
        return
    yield _well(health, took)
    yield _versions(health)
    yield _clocks(answer, started + took / 2)
    try:
        me = client.me()
    except VMShareError as error:
        yield Finding("credential", "failed", str(error))
    else:
        yield _credential(me)
        yield _mounts(client)


def _health(client: Client) -> Call[tuple[Health, Answer]]:
    url = f"{client.address.url}health"
    read = reads(Health)
    # Not well is 503, and says what is not.
    return Call("GET", url, lambda a: (read(a), a), repeatable=True, answers=frozenset({503}))


def _well(health: Health, took: float) -> Finding:
    state = f"database {health.database}, hub {health.hub}"
    if health.status != "ok":
        return Finding("service", "warning", f"The service says {health.status}: {state}.")
    return Finding("service", "ok", f"The service answers in {took * 1000:.0f} ms ({state}).")


def _versions(health: Health) -> Finding:
    ours, theirs = __version__.split("."), health.version.split(".")
    sentence = f"Here is version {__version__}, the service is {health.version}."
    # Before 1.0 a minor version may change the contract.
    same = ours[:2] == theirs[:2] if ours[0] == "0" else ours[0] == theirs[0]
    return Finding("version", "ok" if same else "warning", sentence)


def _mounts(client: Client) -> Finding:
    """Whether folders appear in this session, and what is missing if not."""
    here = SharedDir.of_session()
    try:
        session = this_session(client.sessions())
    except VMShareError as error:
        return Finding("mounts", "warning", f"It is not known whether mounts work: {error}")
    if session is not None and not session.mounts_available:
        because = session.because or here.because or "The service does not say why."
        return Finding("mounts", "warning", f"Folders are not mounted in this session: {because}")
    if here.path is None:
        return Finding("mounts", "warning", here.because or NO_MOUNTS)
    if session is None:
        sentence = "The service does not know this session: restart your server from the hub."
        return Finding("mounts", "warning", sentence)
    failed = [m for m in session.mounts if m.state is MountState.FAILED]
    if failed:
        told = "; ".join(f"{m.name}: {m.because or 'nobody says why'}" for m in failed)
        return Finding("mounts", "warning", f"Some folders could not be mounted. {told}")
    there = sum(mount.state is MountState.MOUNTED for mount in session.mounts)
    return Finding("mounts", "ok", f"{there} folders are mounted, below {here.path}.")


def _clocks(answer: Answer, here: float) -> Finding:
    date = answer.headers.get("date")
    if not date:
        return Finding("clock", "warning", "The service does not say what time it is there.")
    # The header has whole seconds, so half of one is the best guess.
    skew = parsedate_to_datetime(date).timestamp() + 0.5 - here
    if abs(skew) <= SKEW:
        return Finding("clock", "ok", "The clocks here and there agree.")
    ahead = "ahead of" if skew > 0 else "behind"
    sentence = f"The service's clock is {abs(skew):.0f} s {ahead} this one: end dates go by it."
    return Finding("clock", "warning", sentence)


def _credential(me: Me) -> Finding:
    kind = f"You are {me.name}, through a credential of the kind {me.credential.kind.value}"
    if me.credential.read_only:
        because = me.credential.because or "the service does not say why"
        return Finding("credential", "warning", f"{kind}, which is read-only: {because}")
    return Finding("credential", "ok", f"{kind}.")
