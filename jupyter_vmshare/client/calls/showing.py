"""Shared folders on machines, as the caller chooses."""

from __future__ import annotations

from jupyter_vmshare.client.call import Call, Paged, get, nothing, reads, segment, send
from jupyterhub_vmshare.api.contract.showing import ShowAsked, ShowingsPage, ShowingView


def shown_folders() -> Paged[ShowingView]:
    """The caller's folders that are mounted on machines, too, and on which."""
    return Paged(lambda after: get("shown-folders", ShowingsPage), lambda page: list(page.items))


def showing(folder_id: str, machine_id: str) -> Call[ShowingView]:
    """Who else could read a folder on a machine, and whether it is shown there."""
    return get(_path(folder_id, machine_id), ShowingView)


def show(folder_id: str, machine_id: str, *, acknowledged: bool) -> Call[ShowingView]:
    """Have a folder mounted on a machine, while a session of the caller's runs.

    Whoever is root there can read it, as `showing` says in a sentence; ``acknowledged`` says that
    the caller knows. Without it this raises ``Conflict``, with that sentence.
    """
    asked = ShowAsked(acknowledged=acknowledged)
    return send("PUT", _path(folder_id, machine_id), reads(ShowingView), asked, repeatable=True)


def hide(folder_id: str, machine_id: str) -> Call[None]:
    """Have it there no more."""
    return send("DELETE", _path(folder_id, machine_id), nothing, repeatable=True)


def _path(folder_id: str, machine_id: str) -> str:
    return f"folders/{segment(folder_id)}/machines/{segment(machine_id)}"
