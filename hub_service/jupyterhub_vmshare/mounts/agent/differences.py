"""What a guard was told, what it should be told, and what lies between the two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from jupyterhub_vmshare.mounts.agent.control import Answer, GuardRefused, Words
from jupyterhub_vmshare.mounts.messages import Cut, FolderWanted
from jupyterhub_vmshare.words import LEVELS, ThingKind

NOTHING: Final = Answer()
_RANK: Final = {level: rank for rank, level in enumerate(LEVELS[ThingKind.FOLDER])}


def as_told(folder: FolderWanted) -> FolderWanted:
    """With an end date in whole microseconds, as orders and reports say it."""
    return folder if folder.until is None else replace(folder, until=round(folder.until, 6))


def words_of(session: str, folder: FolderWanted) -> dict[str, str | int]:
    """A folder as an order to the guard says it."""

    def or_dash(value: float | None) -> str | int:
        return "-" if value is None else f"{value:.6f}" if isinstance(value, float) else value

    return {
        "session": session,
        "folder": folder.folder,
        "name": folder.name,
        "level": folder.level,
        "grant": folder.grant,
        "owner": folder.owner,
        "until": or_dash(folder.until),
        "limit": or_dash(folder.limit),
        "used": or_dash(folder.used),
    }


def served(said: Iterable[tuple[str, Words]]) -> dict[str, dict[str, FolderWanted]]:
    """Every session that a guard reports, with its folders.

    Raises ``GuardRefused`` when it does not say what it should, as one of another version may.
    """
    found: dict[str, dict[str, FolderWanted]] = {}
    try:
        for verb, words in said:
            folders = found.setdefault(words["session"], {})
            if verb == "folder":
                folders[words["folder"]] = _as_given(words)
    except (KeyError, ValueError) as error:
        because = f"It reports what this agent can't read ({error!r})."
        raise GuardRefused({"code": "malformed", "because": because}) from error
    return found


def _as_given(words: Words) -> FolderWanted:
    """A folder as the guard reports it."""

    def or_none(key: str) -> str | None:
        return None if words.get(key, "-") == "-" else words[key]

    until, limit, used = or_none("until"), or_none("limit"), or_none("used")
    return FolderWanted(
        folder=words["folder"],
        name=words["name"],
        level=words["level"],
        grant=words["grant"],
        owner=words["owner"],
        until=None if until is None else round(float(until), 6),
        limit=None if limit is None else int(limit),
        used=None if used is None else int(used),
    )


def lowers(folder: FolderWanted, given: dict[str, FolderWanted]) -> bool:
    """Whether the level is below what the session has."""
    before = given.get(folder.folder)
    return before is not None and _RANK[folder.level] < _RANK[before.level]


def in_each_others_way(
    changed: Sequence[FolderWanted], given: dict[str, FolderWanted]
) -> list[FolderWanted]:
    """Folders that must give up their name before another folder can have it."""
    taken = {folder.name for folder in changed}
    return [
        folder
        for folder in changed
        if (before := given.get(folder.folder)) is not None
        and before.name != folder.name
        and before.name in taken
    ]


def named(folder: FolderWanted, name: str) -> FolderWanted:
    """The same under another name, for a moment: through the guard."""
    return replace(folder, name=name, direct=False)


def cuts(
    before: dict[str, FolderWanted], now: dict[str, FolderWanted], counted: dict[str, Answer]
) -> Iterable[Cut]:
    """What the session has lost, with the counters of the answers."""
    for name, was in before.items():
        left = now.get(name)
        if left is None or lowers(left, before):
            answer = counted.get(name, NOTHING)
            yield Cut(
                folder=name,
                was=was.level,
                now=left.level if left else None,
                known=answer.number("known"),
                open=answer.number("open"),
                writable=answer.number("writable"),
                took=answer.number("took") / 1e6,
            )
