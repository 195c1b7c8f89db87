"""Things by name: what lists of folders, machines and drives have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from jupyter_vmshare.client.call import Paged, Steps
from jupyter_vmshare.client.errors import NotFound
from jupyter_vmshare.client.twins import twin
from jupyter_vmshare.widgets.handle import Addressed, Handle
from jupyter_vmshare.widgets.tables import Table

H = TypeVar("H", bound=Handle[Any])


class Named(Protocol):
    """What has an id, and a name for people."""

    @property
    def id(self) -> str:
        """Never changes."""

    @property
    def name(self) -> str:
        """For people."""


class ThingsVerbs(Generic[H]):
    """Methods on all machines, or drives, that one has."""

    _thing: type[H]
    _what: ClassVar[str]
    _player: Addressed

    @staticmethod
    def _listed() -> Paged[Any]:
        """The call that lists them."""
        raise NotImplementedError

    @staticmethod
    def _tabled(things: list[H]) -> Table[H]:
        """How they are shown."""
        raise NotImplementedError

    @twin
    def get(self, name: str) -> Steps[H]:
        """The one of this name or id; of several, your own. Raises ``NotFound``."""
        views = yield from self._listed().steps()
        found = [view for view in views if name in (view.id, view.name)]
        found.sort(key=lambda view: view.level != "owner")
        if not found:
            raise NotFound(f"You have no {self._what} {name!r}.")
        return self._thing(found[0], self._player)

    @twin
    def find(self) -> Steps[Table[H]]:
        """All of them, the newest first."""
        views = yield from self._listed().steps()
        return self._tabled([self._thing(view, self._player) for view in views])


class ByName(Generic[H]):
    """``things["name"]`` by name or id, ``for thing in things``, and a table to look at."""

    def _one(self, name: str) -> H:
        raise NotImplementedError

    def _all(self) -> Table[H]:
        raise NotImplementedError

    def __getitem__(self, name: str) -> H:
        try:
            return self._one(name)
        except NotFound as error:
            raise KeyError(str(error)) from None

    def __iter__(self) -> Iterator[H]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(name in (it.label, it.id) for it in self._all())

    def keys(self) -> list[str]:
        """All names, as they are for you."""
        return [thing.label for thing in self._all()]

    def _ipython_key_completions_(self) -> list[str]:
        return self.keys()

    def __repr__(self) -> str:
        return repr(self._all())

    def _repr_html_(self) -> str:
        return self._all()._repr_html_()


def id_of(name: str, offered: Iterable[Named], what: str) -> str:
    """The id of what has this name, or this id. Raises ``NotFound``, and says what there is."""
    there = list(offered)
    for one in there:
        if name in (one.id, one.name):
            return one.id
    names = ", ".join(one.name for one in there) or "none"
    raise NotFound(f"There is no {what} {name!r}. There is: {names}.")
