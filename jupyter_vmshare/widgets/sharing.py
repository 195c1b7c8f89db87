"""Sharing a folder, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import folders as folder_calls
from jupyter_vmshare.client.calls import grants as calls
from jupyter_vmshare.client.errors import NotFound, error_of
from jupyter_vmshare.client.twins import twin, twin_property
from jupyter_vmshare.widgets.handle import FolderHandle
from jupyter_vmshare.widgets.moments import KEEP, Until, moment
from jupyter_vmshare.widgets.tables import Access, Shared, level_named
from jupyterhub_vmshare.api.contract.grants import (
    Cut,
    GrantResults,
    GrantView,
    NewGrant,
    PeopleOfThing,
)


class SharingVerbs(FolderHandle):
    """Methods on who has a folder."""

    @twin
    def share(
        self,
        receivers: str | Iterable[str] | Mapping[str, str],
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
        levels = _levels(receivers, level)
        same = {"receiver_kind": "team" if teams else "person", "ends_at": moment(until)}
        asked = [
            NewGrant.model_validate({"receiver": name, "level": each, **same})
            for name, each in levels.items()
        ]
        told: GrantResults = yield calls.invite(self.id, asked)
        first = told.results[0].problem if told.results else None
        if isinstance(receivers, str) and first is not None:
            raise error_of(first)
        return Shared(told.results, f"Sharing {self.label}")

    @twin_property
    def people(self) -> Steps[Access]:
        """Who has the folder, invited people too."""
        told: PeopleOfThing = yield calls.people_of(self.id)
        return Access(told, f"Who has {self.label}")

    @twin
    def change(
        self, receiver: str, level: str | None = None, until: Until = KEEP
    ) -> Steps[GrantView]:
        """Change what somebody holds (or is invited to), or when it ends; None: never."""
        grant = yield from self._grant_of(receiver)
        ends_at = "" if until == KEEP else moment(until)
        changed = None if level is None else level_named(level)
        told: GrantView = yield calls.change_grant(
            grant.id, grant.version, level=changed, ends_at=ends_at
        )
        return told

    @twin
    def revoke(self, receiver: str) -> Steps[Cut]:
        """Take away what somebody holds, or cancel their invitation."""
        grant = yield from self._grant_of(receiver)
        cut: Cut = yield calls.revoke(grant.id)
        return cut

    @twin
    def stop_sharing(self) -> Steps[Cut]:
        """Take it away from everybody, and cancel every invitation."""
        cut: Cut = yield calls.stop_sharing(self.id)
        return cut

    @twin
    def leave(self) -> Steps[Cut]:
        """Give up what was shared with you; a new invitation is needed to come back."""
        cut: Cut = yield folder_calls.leave_folder(self.id)
        return cut

    def _grant_of(self, receiver: str) -> Steps[GrantView]:
        told: PeopleOfThing = yield calls.people_of(self.id)
        found = Access(told, "").of(receiver)
        if not found:
            raise NotFound(f"{receiver} holds nothing on {self.label}, and is not invited to it.")
        return found[0]


def _levels(receivers: str | Iterable[str] | Mapping[str, str], level: str) -> dict[str, str]:
    if isinstance(receivers, str):
        receivers = [receivers]
    if isinstance(receivers, Mapping):
        return {name: level_named(each) for name, each in receivers.items()}
    return dict.fromkeys(receivers, level_named(level))
