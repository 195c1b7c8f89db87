"""``jupyter vmshare …``: what the panel does, from a terminal.

Exit codes: 0 done, 1 refused or failed, 2 the command line makes no sense, 3 the service is not
configured or can't be reached. With ``--json`` the answer is JSON on standard output; errors are
always one sentence on standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from jupyter_vmshare._version import __version__
from jupyter_vmshare.client import NotConfigured, NotFound, ServiceUnreachable, VMShareError
from jupyter_vmshare.doctor import examine
from jupyter_vmshare.shared_dir import SharedDir
from jupyter_vmshare.terminal import (
    filing,
    following,
    glancing,
    kernels,
    machines,
    onmachines,
    owning,
    projects,
    reaching,
    shells,
)
from jupyter_vmshare.terminal.handing import (
    delete_for_ever,
    hand_over,
    hand_overs,
    refuse_hand_over,
    take_over,
)
from jupyter_vmshare.terminal.owning import still_held
from jupyter_vmshare.terminal.showing import DONE, FAILED, Asked, Share, reached, receiver, show
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.folders import Folder, FolderTable
from jupyter_vmshare.widgets.invitations import InvitationTable
from jupyter_vmshare.widgets.mounted import this_session
from jupyter_vmshare.widgets.tables import Table

UNREACHABLE = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    asked = parser().parse_args(arguments)
    try:
        code: int = asked.command(asked)
    except (NotConfigured, ServiceUnreachable) as error:
        return _fail(str(error), UNREACHABLE)
    except (VMShareError, LookupError, ValueError, OSError) as error:
        return _fail(_sentence(error), FAILED)
    except KeyboardInterrupt:
        return _fail("Interrupted.", 130)
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="jupyter vmshare", description="Share folders on the hub.")
    top.add_argument("--version", action="version", version=__version__)
    verbs = top.add_subparsers(required=True, metavar="COMMAND")
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--json", action="store_true", help="answer in JSON")

    def verb(name: str, command: Callable[[Asked], int], *arguments: str) -> Any:
        summary = (command.__doc__ or "").partition("\n")[0]
        added = verbs.add_parser(name, help=summary, description=summary, parents=[everywhere])
        added.set_defaults(command=command)
        for argument in arguments:
            added.add_argument(argument, help=_HELP[argument])
        return added

    _listing(verb)
    _sharing(verb)
    for room in (
        filing,
        owning,
        glancing,
        following,
        machines,
        reaching,
        shells,
        kernels,
        onmachines,
        projects,
    ):
        room.add_to(verb)
    verb("doctor", doctor)
    return top


_HELP = {
    "folder": "a folder's label or id",
    "snapshot": "a snapshot's id, as snapshots lists it",
    "invitation": "the name of what you are invited to, or the invitation's id",
    "action": "as the permission tables call it, such as delete_file",
    "name": "the new folder's name",
    "offer": "the name of what is handed over, or the offer's id",
    "path": "a path in the folder",
}


def _listing(verb: Callable[..., Any]) -> None:
    listed = verb("folders", folders)
    relation = listed.add_mutually_exclusive_group()
    relation.add_argument("--mine", dest="relation", action="store_const", const="mine")
    relation.add_argument(
        "--shared-with-me", dest="relation", action="store_const", const="shared_with_me"
    )
    listed.add_argument("--trash", action="store_true", help="those in the trash")
    verb("create", create, "name")
    verb("invitations", invitations).add_argument(
        "--declined", action="store_true", help="what teams of yours have and you said no to"
    )
    verb("people", people, "folder").add_argument(
        "--each", action="store_true", help="every person with all that they have it by"
    )
    verb("find-people", find_people).add_argument(
        "name", nargs="?", default="", help="how a team-mate's name begins, or anybody's exact name"
    )
    verb("teams", teams)
    asked = verb("why", why, "action")
    asked.add_argument("folder", nargs="?", help="the folder that it is about")
    asked.add_argument("--person", help="somebody else than you")


def _sharing(verb: Callable[..., Any]) -> None:
    shared = verb("share", share, "folder")
    shared.add_argument(
        "receivers", nargs="+", metavar="NAME[=LEVEL]", help="whom, with a level of their own"
    )
    shared.add_argument("--level", default="view", help="view (default), edit or edit_delete")
    shared.add_argument("--team", action="store_true", help="the names are teams of yours")
    shared.add_argument("--until", help="when it ends: 2026-11-27 or 2026-11-27T18:00")
    verb("accept", accept, "invitation").add_argument("--as", dest="alias", help="your name for it")
    verb("decline", decline, "invitation")
    verb("rename", rename, "folder").add_argument("name", help="its new name, for everybody")
    verb("alias", alias, "folder").add_argument(
        "name", nargs="?", help="your own name for it; left out: its owner's"
    )
    verb("leave", leave, "folder")
    verb("hand-over", hand_over, "folder")
    verb("delete-for-ever", delete_for_ever, "folder")
    verb("hand-overs", hand_overs)
    verb("take-over", take_over, "offer").add_argument(
        "--as", dest="name", help="its new name, for everybody"
    )
    refused = verb("refuse-hand-over", refuse_hand_over, "offer")
    refused.add_argument("--cancel", action="store_true", help="it is your own offer: take it back")
    verb("mount", mount, "folder")
    verb("unmount", unmount, "folder")
    revoked = verb("revoke", revoke, "folder")
    revoked.add_argument("name", nargs="?", help="from whom")
    revoked.add_argument("--all", action="store_true", help="from everybody")


def folders(asked: Asked) -> int:
    """List your folders."""
    state = "trashed" if asked.trash else None
    with Share() as share:
        found = share.folders.find(asked.relation, state)
    return show(asked, [_placed(folder) for folder in found], FolderTable(found))


def create(asked: Asked) -> int:
    """Make a folder."""
    with Share() as share:
        folder = share.folders.create(asked.name)
    return show(asked, folder.view, folder)


def invitations(asked: Asked) -> int:
    """List the invitations that wait for your answer."""
    with Share() as share:
        waiting = share.declined if asked.declined else share.invitations
        found = InvitationTable(each.view for each in waiting)
    return show(asked, list(found), found)


def people(asked: Asked) -> int:
    """List who has a folder."""
    with Share() as share:
        found = share.folders.get(asked.folder).people
    told: Table[Any] = found.people if asked.each else found
    return show(asked, list(told), told)


def find_people(asked: Asked) -> int:
    """Find people whom you can share with."""
    with Share() as share:
        found = share.people(asked.name)
    return show(asked, list(found), found)


def teams(asked: Asked) -> int:
    """List your teams, which you can share with."""
    with Share() as share:
        found = share.teams
    return show(asked, list(found), found)


def share(asked: Asked) -> int:
    """Invite people to a folder, or give it to teams."""
    levels = dict(receiver(text, asked.level) for text in asked.receivers)
    with Share() as share:
        folder = share.folders.get(asked.folder)
        told = folder.share(levels, until=asked.until, teams=asked.team)
    show(asked, list(told), told)
    return FAILED if told.failed else DONE


def accept(asked: Asked) -> int:
    """Accept an invitation."""
    with Share() as share:
        try:
            invitation = share.invitations[asked.invitation]
        except NotFound:
            invitation = share.declined[asked.invitation]
        folder = invitation.accept(asked.alias)
    return show(asked, folder.view, folder)


def decline(asked: Asked) -> int:
    """Decline an invitation."""
    with Share() as share:
        invitation = share.invitations[asked.invitation]
        invitation.decline()
    return show(asked, {"declined": invitation.id}, "Declined.")


def rename(asked: Asked) -> int:
    """Give your folder another name, for everybody who has it."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        folder.rename_folder(asked.name)
    return show(asked, folder.view, folder)


def alias(asked: Asked) -> int:
    """Call a folder something else in your own lists and sessions."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        folder.choose_alias(asked.name)
    return show(asked, folder.view, folder)


def leave(asked: Asked) -> int:
    """Give up what was shared with you."""
    with Share() as share:
        cut = share.folders.get(asked.folder).leave()
    return show(asked, cut, " ".join(["Left.", *reached(cut), cut.cannot_undo]))


def mount(asked: Asked) -> int:
    """Have a folder in your running sessions."""
    with Share() as share:
        folder = share.folders.get(asked.folder)
        choice = folder.mount()
        if this_session(choice.sessions) is None or SharedDir.of_session().path is None:
            return show(asked, choice, "It appears in your sessions that have mounts.")
        path = folder.mounted().waited()
    told = {"folder_id": folder.id, "wanted": True, "path": str(path)}
    return show(asked, told, f"Mounted at {cards.visible(str(path))}.")


def unmount(asked: Asked) -> int:
    """Have a folder in none of your sessions; it stays yours."""
    with Share() as share:
        choice = share.folders.get(asked.folder).unmount()
    return show(asked, choice, "It is in none of your sessions any more.")


def revoke(asked: Asked) -> int:
    """Take a folder away from somebody, or from everybody."""
    if bool(asked.name) == asked.all:
        raise ValueError("Say from whom, or --all.")
    with Share() as share:
        folder = share.folders.get(asked.folder)
        cut = folder.stop_sharing() if asked.all else folder.revoke(asked.name)
    ended = ", ".join(grant.receiver.name for grant in cut.ended) or "nobody"
    told = " ".join([f"Revoked from {ended}.", *reached(cut), cut.cannot_undo])
    return show(asked, cut, told + still_held(cut, asked.folder))


def why(asked: Asked) -> int:
    """Say whether you may do something, and why."""
    with Share() as share:
        folder = share.folders.get(asked.folder) if asked.folder else None
        answer = share.why(asked.action, folder, asked.person)
    return show(asked, answer.why, answer)


def doctor(asked: Asked) -> int:
    """Find out what may be wrong between here and the service."""
    findings = []
    for finding in examine():
        findings.append(finding)
        if not asked.json:
            mark = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}[finding.verdict]
            print(f"{mark}  {finding.what}: {cards.visible(finding.sentence)}", flush=True)
    if asked.json:
        print(json.dumps([finding.as_json() for finding in findings]))
    return FAILED if any(finding.verdict == "failed" for finding in findings) else DONE


def _placed(folder: Folder) -> dict[str, Any]:
    return {**folder.view.model_dump(mode="json"), "path": str(folder.path or "") or None}


def _sentence(error: Exception) -> str:
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    if isinstance(error, ValidationError):
        wrong = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}."
    return str(error) or type(error).__name__


def _fail(sentence: str, code: int) -> int:
    print(cards.visible(sentence), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
