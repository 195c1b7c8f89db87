"""The cards of machines that a notebook shows: one for each machine, one stream for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from jupyter_vmshare.client import AsyncClient, Client, NotFound, VMShareError
from jupyter_vmshare.widgets.life import Life, followed
from jupyterhub_vmshare.api.contract.events import EventView
from jupyterhub_vmshare.api.contract.machines import MachineView

if TYPE_CHECKING:
    from jupyter_vmshare.widgets.machinecard import MachineCard

_GONE: Final = "You do not have this machine any more."
_NAME: Final = "vmshare-machines"


class CardShelf:
    """Keeps cards up to date; follows the service while there is any."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._cards: dict[str, MachineCard] = {}
        self._life: Life | None = None

    def card(self, view: MachineView) -> MachineCard:
        """The machine's card, which may be shown in several places."""
        from jupyter_vmshare.widgets.machinecard import MachineCard

        card = self._cards.get(view.id)
        if card is None:
            card = MachineCard(view, self._ask, lambda: self._gone(view.id))
            self._cards[view.id] = card
        else:
            card.show(view)
        self._awake()
        return card

    def close(self) -> None:
        """Close every card."""
        for card in list(self._cards.values()):
            card.close()

    def _gone(self, machine_id: str) -> None:
        self._cards.pop(machine_id, None)
        if not self._cards and self._life is not None:
            self._life.end()
            self._life = None

    def _awake(self) -> Life:
        if self._life is None or self._life.is_over:
            self._life = Life(self._live, _NAME)
        return self._life

    async def _live(self) -> None:
        async with self._client.another() as client:
            await followed(client, self._matters, lambda: self._look(client), self._say)

    async def _look(self, client: AsyncClient) -> None:
        for card in list(self._cards.values()):
            try:
                card.show(await client.machine(card.view.id))
            except NotFound:
                card.end(_GONE)

    def _matters(self, event: EventView) -> bool:
        # What happens to drives and teams may show on any machine.
        return event.thing_id in self._cards or event.type.startswith(("drive.", "team."))

    def _say(self, sentence: str) -> None:
        for card in list(self._cards.values()):
            card.say(sentence)

    def _ask(self, card: MachineCard, verb: str) -> None:
        self._awake().do(self._asked(card, verb))

    async def _asked(self, card: MachineCard, verb: str) -> None:
        async with self._client.another() as client:
            try:
                card.show(await _deed(client, verb, card.view.id))
            except VMShareError as error:
                card.show(card.view)
                card.say(str(error))


async def _deed(client: AsyncClient, verb: str, machine_id: str) -> MachineView:
    if verb == "reboot":
        return await client.reboot_machine(machine_id)
    return await (client.start_machine if verb == "start" else client.stop_machine)(machine_id)


_SHELVES: Final[WeakKeyDictionary[Client | AsyncClient, CardShelf]] = WeakKeyDictionary()


def card_of(view: MachineView, player: Client | AsyncClient) -> MachineCard:
    """The live card of a machine, in whatever notebook cell it is shown."""
    if player not in _SHELVES:
        _SHELVES[player] = CardShelf(player.another())
    return _SHELVES[player].card(view)


def close_cards(player: Client | AsyncClient) -> None:
    """Close all cards of whoever asks through this client; harmless when there are none."""
    shelf: Any = _SHELVES.pop(player, None)
    if shelf is not None:
        shelf.close()
