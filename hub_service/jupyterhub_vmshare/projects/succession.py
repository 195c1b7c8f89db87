"""What becomes of memberships when the hub has given a name to somebody else."""

from __future__ import annotations

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import project_asks, project_members
from jupyterhub_vmshare.projects import joining, members
from jupyterhub_vmshare.projects.model import MEMBERS, Member
from jupyterhub_vmshare.projects.standing import administrators_of, locked
from jupyterhub_vmshare.words import AskState, MemberEnded, ProjectRole


async def end_memberships_of(tx: Transaction, former: str) -> None:
    """Whoever had the name is in no project any more, and asks for none.

    The last administrator of a project stays in its list under the name that was set aside, so
    that a hub admin sees that the project has nobody now.
    """
    query = MEMBERS.where(
        project_members.c.person == former, project_members.c.ended_at.is_(None)
    ).order_by(project_members.c.project_id)
    for member in [Member.of(row) for row in await tx.conn.execute(query)]:
        project = await locked(tx, member.project_id)
        lead = await administrators_of(tx.conn, [project.id], tx.at)
        is_last = member.role is ProjectRole.ADMINISTRATOR and len(lead) == 1
        if not is_last:
            await members.end(tx, project, member, MemberEnded.NAME_TAKEN_OVER, None)
    waiting = sa.select(project_asks.c.project_id, project_asks.c.id).where(
        project_asks.c.person == former, project_asks.c.state == AskState.WAITING
    )
    for project_id, ask_id in (await tx.conn.execute(waiting.order_by(project_asks.c.id))).all():
        await joining.cancel(tx, former, project_id, ask_id)
