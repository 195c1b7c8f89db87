"""Projects at the terminal: asking for one, joining one, leaving it."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from typing import Any

from jupyter_vmshare.terminal.showing import Asked, Share, show
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.projects import Members, Meters, left_behind


def add_to(verb: Callable[..., Any]) -> None:
    """Add the commands; ``verb`` is the command line's."""
    verb("projects", projects)
    wanted = verb("request-project", request_project)
    wanted.add_argument("name", help="what it is to be called")
    wanted.add_argument("--description", default="", help="what it is for")
    verb("join-project", join_project)
    for name, command in (
        ("project-members", project_members),
        ("project-folders", project_folders),
        ("project-machines", project_machines),
        ("project-meters", project_meters),
        ("leave-project", leave_project),
        ("withdraw-from-project", withdraw),
    ):
        verb(name, command).add_argument("project", help="a project's name or id")


def projects(asked: Asked) -> int:
    """List the projects that you are in, asked for, or asked to join."""
    with Share() as share:
        found = share.projects
    return show(asked, list(found), found)


def request_project(asked: Asked) -> int:
    """Ask for a project; it is there once a hub admin has said yes."""
    with Share() as share:
        made = share.client.request_project(asked.name, asked.description)
    said = f"Asked for {made.name}: a hub admin answers, and “projects” shows how it stands."
    return show(asked, made, cards.visible(said))


def join_project(asked: Asked) -> int:
    """Ask to join a project with the code of an invitation link, which is read, not given here."""
    # What stands on a command line is seen by everybody on the machine.
    code = getpass.getpass("Code: ") if sys.stdin.isatty() else sys.stdin.readline()
    code = code.strip().rpartition("#join=")[2]
    with Share() as share:
        leads = share.client.project_of_link(code)
        made = share.client.ask_to_join(code)
    said = f"Asked to join {leads.name}: {', '.join(leads.administrators)} can let you in."
    return show(asked, made, cards.visible(said))


def project_members(asked: Asked) -> int:
    """List the people in a project, as far as you may see them."""
    with Share() as share:
        project = share.projects.named(asked.project)
        found = Members(share.client.members(project.id), project.name)
    return show(asked, list(found), found)


def project_folders(asked: Asked) -> int:
    """List the folders of a project that you have."""
    with Share() as share:
        found = share.project_folders(asked.project)
    return show(asked, list(found), found)


def project_machines(asked: Asked) -> int:
    """List the machines in a project that you may see."""
    with Share() as share:
        project = share.projects.named(asked.project)
        found = list(share.client.project_machines(project.id))
    rows = [(one.name, one.owner, one.state.value if one.state else "") for one in found]
    return show(asked, found, cards.plain_table(("Machine", "Owner", "State"), rows))


def project_meters(asked: Asked) -> int:
    """Show how much a project holds, and how much of its quota is left."""
    with Share() as share:
        project = share.projects.named(asked.project)
        meters = share.client.project_meters(project.id).meters
    return show(asked, meters, Meters(meters, project.name))


def leave_project(asked: Asked) -> int:
    """Go out of a project."""
    with Share() as share:
        project = share.projects.named(asked.project)
        told = share.client.leave_project(project.id)
    return show(asked, told, cards.visible(left_behind(told, project.name)))


def withdraw(asked: Asked) -> int:
    """Take back that you asked for a project, or to join one."""
    with Share() as share:
        project = share.projects.named(asked.project)
        if project.ask_id is not None:
            share.client.cancel_ask(project.id, project.ask_id)
        else:
            share.client.cancel_project_request(project.id)
    return show(asked, {"withdrawn": project.id}, "Taken back.")
