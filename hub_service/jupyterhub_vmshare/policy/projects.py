"""`decide_in_project`: what a project's administrators and members may do in it.

Administrators act on the service's own pages alone (DESIGN: D12). Through a notebook server's token
they are members like others, and never more than both of their columns allow: so the last
administrator can't leave from there, either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from jupyterhub_vmshare.policy.circumstances import Circumstances, Source
from jupyterhub_vmshare.policy.model import Decision, Fact
from jupyterhub_vmshare.policy.phrases import Voice
from jupyterhub_vmshare.policy.rule_sentences import rule_failed
from jupyterhub_vmshare.policy.rules import Verdict, weigh
from jupyterhub_vmshare.policy.tables import PROJECT
from jupyterhub_vmshare.words import ProjectRole

Whose = Literal["own", "others"]
"""Whether it is about what is one's own (oneself, where it is about people), or somebody else's."""

_COLUMN: Final[dict[ProjectRole, str]] = {
    ProjectRole.ADMINISTRATOR: "admin",
    ProjectRole.MEMBER: "member",
}


@dataclass(frozen=True, slots=True)
class InProject:
    """A project as one person stands in it; ``role`` None: they are no active member."""

    id: str
    name: str
    role: ProjectRole | None
    on_pages: bool
    """Whether they act on the service's own pages."""
    facts: frozenset[Fact] = frozenset()


def decide_in_project(person: str, action: str, where: InProject, *, whose: Whose) -> Decision:
    """Whether `person` may do `action` (a row of ``project_roles.csv``: ``member.invite``).

    404 for whoever is no member, for they may not know of the project. Never raises.
    """
    if where.role is None:
        return Decision(False, "not_visible", "There is no such project here.", 404)
    for column in _columns(where):
        refused = _refused(person, action, where, f"{column}_{whose}")
        if refused is not None:
            return refused
    because = f"You are {_article(where.role)} of {where.name}."
    return Decision(True, f"table.{action}", because, 200)


def actions_in_project(person: str, where: InProject) -> tuple[str, ...]:
    """What the person may do there about others or about themself, in the table's order."""
    both: tuple[Whose, Whose] = ("own", "others")
    return tuple(
        action
        for action in PROJECT.rows
        if any(decide_in_project(person, action, where, whose=whose).allowed for whose in both)
    )


def _columns(where: InProject) -> tuple[str, ...]:
    if where.role is ProjectRole.ADMINISTRATOR and not where.on_pages:
        return ("member", "admin")
    return () if where.role is None else (_COLUMN[where.role],)


def _refused(person: str, action: str, where: InProject, column: str) -> Decision | None:
    cell = PROJECT.cell(action, column)
    if not cell.opens:
        return _no(action, where)
    now = Circumstances(facts=where.facts)
    for rule, verdict in weigh(cell.rules, Source(column), now).items():
        if verdict is Verdict.FAILS:
            because = rule_failed(rule, None, None, action, Voice(person, person))
            return Decision(False, f"if.{rule}", because, 403)
    return None


def _no(action: str, where: InProject) -> Decision:
    if where.role is ProjectRole.ADMINISTRATOR and not where.on_pages:
        because = (
            f"Administrators of {where.name} do that on its page in JupyterHub, not from here."
        )
        return Decision(False, "credential.page", because, 403)
    because = f"That is for administrators of {where.name}."
    return Decision(False, f"table.{action}", because, 403)


def _article(role: ProjectRole) -> str:
    return "an administrator" if role is ProjectRole.ADMINISTRATOR else "a member"
