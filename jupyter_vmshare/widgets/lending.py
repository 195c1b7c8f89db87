"""Sharing machines and drives, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import grants as calls
from jupyter_vmshare.client.calls import machines as machine_calls
from jupyter_vmshare.client.twins import twin
from jupyter_vmshare.widgets.handle import Handle, V
from jupyter_vmshare.widgets.moments import KEEP, Until, moment
from jupyter_vmshare.widgets.named import id_of
from jupyter_vmshare.widgets.sharing import AccessVerbs, LevelVerbs, Receivers, levels_of
from jupyter_vmshare.widgets.tables import Shared
from jupyterhub_vmshare.api.contract.drives import DriveView
from jupyterhub_vmshare.api.contract.grants import (
    GrantResult,
    GrantResults,
    GrantView,
    NewGrant,
    NewUse,
)
from jupyterhub_vmshare.api.contract.machines import MachineView


class CoOwned(Handle[V]):
    """What can have co-owners."""

    @property
    def co_own_page(self) -> str:
        """Where you make somebody a co-owner: a page of the hub, which no program can answer."""
        return self._page("co-own")

    def _demand_no_co_owner(self, levels: Iterable[str]) -> None:
        if "co_own" in levels:
            raise ValueError(
                "Co-ownership is given on a page of the hub, which asks you by itself: "
                f"{self.co_own_page}"
            )


class DriveSharing(LevelVerbs[DriveView], CoOwned[DriveView]):
    """Methods on who has a drive."""

    @twin
    def share(
        self,
        receivers: Receivers,
        level: str = "attach_read",
        until: Until = None,
        *,
        teams: bool = False,
    ) -> Steps[Shared]:
        """Invite somebody, or several at once; each gets a result of their own.

        Args:
            receivers: A name, several names, or a mapping of names to levels.
            level: ``attach_read`` or ``attach_write``. Co-owners: on ``co_own_page``.
            until: When it ends by itself: a date (its last second), a time, or an ISO text.
            teams: The names are those of teams of yours.

        Raises:
            VMShareError: A single receiver could not be invited. Of several, see ``failed``.
        """
        self._demand_no_co_owner(levels_of(receivers, level).values())
        return (yield from self._invited(receivers, level, until, teams))


class MachineSharing(AccessVerbs[MachineView], CoOwned[MachineView]):
    """Methods on who has a machine."""

    @twin
    def share(
        self,
        receivers: Receivers,
        level: str = "use",
        until: Until = None,
        *,
        ticks: Iterable[str] | None = None,
        profile: str | None = None,
        teams: bool = False,
    ) -> Steps[Shared]:
        """Invite somebody, or several at once; each gets a result of their own.

        Args:
            receivers: A name, several names, or a mapping of names to levels.
            level: ``use`` or ``manage``. Co-owners: on ``co_own_page``.
            until: When it ends by itself: a date (its last second), a time, or an ISO text.
            ticks: What they may do on it, of ``terminal``, ``files``, ``upload``, ``download``,
                ``apps``, ``invite``, ``power``; None: as is usual at the level.
            profile: Instead, ``standard``, ``everything``, ``files``, ``reading``, ``programs``.
            teams: The names are those of teams of yours.

        Raises:
            VMShareError: A single receiver could not be invited. Of several, see ``failed``.
        """
        levels = levels_of(receivers, level)
        self._demand_no_co_owner(levels.values())
        asked = new_grants(receivers, level, until, ticks=ticks, profile=profile, teams=teams)
        told: dict[str, GrantResult] = {}
        for each in dict.fromkeys(levels.values()):
            uses = [_use(one) for one in asked if one.level == each]
            invite = calls.invite_managers if each == "manage" else calls.invite_users
            results: GrantResults = yield invite(self.id, uses)
            told |= {result.receiver: result for result in results.results}
        return self._shared([told[name] for name in levels if name in told], receivers)

    @twin
    def change(
        self,
        receiver: str,
        level: str | None = None,
        until: Until = KEEP,
        *,
        ticks: Iterable[str] | None = None,
        profile: str | None = None,
        giver: str | None = None,
    ) -> Steps[GrantView]:
        """Change what somebody holds (or is invited to), or when it ends; None: never.

        ``ticks`` and ``profile`` are as in ``share``; what is left out stays.
        """
        more: dict[str, Any] = {"ticks": None if ticks is None else list(ticks)}
        more["profile"] = profile
        return (yield from self._changed(receiver, giver, level, until, **more))

    @twin
    def use_drive_elsewhere(
        self, drive: Handle[DriveView] | str, machine: Handle[MachineView] | str
    ) -> Steps[None]:
        """Have a drive of this machine on another one, once it is off here; whosever it is.

        Args:
            drive: One that is on it, or its name or id.
            machine: Another machine that you own or co-own, or its name or id.
        """
        drive_id = drive if isinstance(drive, str) else drive.id
        for one in self.view.drives:
            if drive == one.drive_name:
                drive_id = one.drive_id
        if isinstance(machine, str):
            machine = id_of(machine, (yield from machine_calls.machines().steps()), "machine")
        next_id = machine if isinstance(machine, str) else machine.id
        self.view = yield calls.use_drive_elsewhere(self.id, drive_id, next_id)


def new_grants(
    receivers: Receivers,
    level: str = "use",
    until: Until = None,
    *,
    ticks: Iterable[str] | None = None,
    profile: str | None = None,
    teams: bool = False,
) -> list[NewGrant]:
    """Invitations to a machine."""
    same = {
        "receiver_kind": "team" if teams else "person",
        "ends_at": moment(until),
        "ticks": None if ticks is None else list(ticks),
        "profile": profile,
    }
    return [
        NewGrant.model_validate({"receiver": name, "level": each, **same})
        for name, each in levels_of(receivers, level).items()
    ]


def _use(grant: NewGrant) -> NewUse:
    return NewUse(**{name: getattr(grant, name) for name in NewUse.model_fields})
