"""Who has something, and how that changes, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import grants as calls
from jupyter_vmshare.client.errors import NotFound, error_of
from jupyter_vmshare.client.twins import twin, twin_property
from jupyter_vmshare.widgets.handle import FolderHandle, Handle, V
from jupyter_vmshare.widgets.moments import KEEP, Until, moment
from jupyter_vmshare.widgets.tables import Access, Grants, Shared, level_named
from jupyterhub_vmshare.api.contract.folders import FolderView
from jupyterhub_vmshare.api.contract.grants import (
    Cut,
    GrantResult,
    GrantResults,
    GrantView,
    Lineage,
    NewGrant,
    PeopleOfThing,
)

Receivers = str | Iterable[str] | Mapping[str, str]


class AccessVerbs(Handle[V]):
    """Methods on who has a thing, whatever it is.

    Of several grants to one person, ``giver`` says which: one person may have a machine from
    several people.
    """

    @twin_property
    def people(self) -> Steps[Access]:
        """Who has it, invited people too."""
        told: PeopleOfThing = yield calls.people_of(self.id)
        return Access(told, f"Who has {self.label}")

    @twin
    def lineage(self, receiver: str, giver: str | None = None) -> Steps[Grants]:
        """What ends if somebody's grant does: it, and all that they gave on from it."""
        grant = yield from self._grant_of(receiver, giver)
        told: Lineage = yield calls.lineage(grant.id)
        return Grants(told.grants, f"What ends with {receiver}'s")

    @twin
    def revoke(self, receiver: str, giver: str | None = None) -> Steps[Cut]:
        """Take away what somebody holds, or cancel their invitation.

        What they gave on from it ends as well; ``lineage`` shows that before.
        """
        grant = yield from self._grant_of(receiver, giver)
        cut: Cut = yield calls.revoke(grant.id)
        return cut

    @twin
    def stop_sharing(self) -> Steps[Cut]:
        """Take it away from everybody but co-owners, and cancel every invitation."""
        cut: Cut = yield calls.stop_sharing(self.id)
        return cut

    @twin
    def leave(self) -> Steps[Cut]:
        """Give up what was shared with you; a new invitation is needed to come back.

        The owner of a machine leaves it to a co-owner: ``offered_to`` says who is asked.
        """
        cut: Cut = yield calls.leave(self.id)
        return cut

    def _grant_of(self, receiver: str, giver: str | None = None) -> Steps[GrantView]:
        told: PeopleOfThing = yield calls.people_of(self.id)
        held = Access(told, "").of(receiver)
        found = [grant for grant in held if giver in (None, grant.giver)]
        if not found:
            of = f" of {giver}'s" if giver and held else ""
            raise NotFound(
                f"{receiver} holds nothing{of} on {self.label}, and is not invited to it."
            )
        if len(found) > 1:
            givers = " and ".join(grant.giver for grant in found)
            raise ValueError(f"{receiver} has {self.label} from {givers}: say whose is meant.")
        return found[0]

    def _changed(
        self, receiver: str, giver: str | None, level: str | None, until: Until, **more: Any
    ) -> Steps[GrantView]:
        grant = yield from self._grant_of(receiver, giver)
        ends_at = "" if until == KEEP else moment(until)
        changed = None if level is None else level_named(level)
        told: GrantView = yield calls.change_grant(
            grant.id, grant.version, level=changed, ends_at=ends_at, **more
        )
        return told

    def _shared(self, results: list[GrantResult], receivers: Receivers) -> Shared:
        """What became of each; of a single one that could not be, the error is raised."""
        first = results[0].problem if results else None
        if isinstance(receivers, str) and first is not None:
            raise error_of(first)
        return Shared(results, f"Sharing {self.label}")


class LevelVerbs(AccessVerbs[V]):
    """Methods on who has a folder or a drive: a grant is its level and its end."""

    @twin
    def change(
        self,
        receiver: str,
        level: str | None = None,
        until: Until = KEEP,
        *,
        giver: str | None = None,
    ) -> Steps[GrantView]:
        """Change what somebody holds (or is invited to), or when it ends; None: never."""
        return (yield from self._changed(receiver, giver, level, until))

    def _invited(
        self, receivers: Receivers, level: str, until: Until, teams: bool
    ) -> Steps[Shared]:
        same = {"receiver_kind": "team" if teams else "person", "ends_at": moment(until)}
        asked = [
            NewGrant.model_validate({"receiver": name, "level": each, **same})
            for name, each in levels_of(receivers, level).items()
        ]
        told: GrantResults = yield calls.invite(self.id, asked)
        return self._shared(told.results, receivers)


class SharingVerbs(FolderHandle, LevelVerbs[FolderView]):
    """Methods on who has a folder."""

    @twin
    def share(
        self,
        receivers: Receivers,
        level: str = "view",
        until: Until = None,
        *,
        teams: bool = False,
    ) -> Steps[Shared]:
        """Invite somebody, or several at once; each gets a result of their own.

        A team has the folder at once: its members see it in their lists, and each accepts it for
        themself. Who joins the team later gets it, and who leaves the team loses it.

        Args:
            receivers: A name, several names, or a mapping of names to levels.
            level: ``view``, ``edit`` or ``edit_delete``, for names without a level of their own.
            until: When it ends by itself: a date (its last second), a time, or an ISO text.
            teams: The names are those of teams of yours.

        Raises:
            VMShareError: A single receiver could not be invited. Of several, see ``failed``.
        """
        return (yield from self._invited(receivers, level, until, teams))


def levels_of(receivers: Receivers, level: str) -> dict[str, str]:
    """Each name with its level, as the service spells it."""
    if isinstance(receivers, str):
        receivers = [receivers]
    if isinstance(receivers, Mapping):
        return {name: level_named(each) for name, each in receivers.items()}
    return dict.fromkeys(receivers, level_named(level))
