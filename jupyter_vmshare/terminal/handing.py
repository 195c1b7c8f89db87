"""``jupyter vmshare hand-overs`` and the answers to them."""

from __future__ import annotations

from jupyter_vmshare.terminal.showing import Asked, Share, show, show_page
from jupyter_vmshare.widgets import cards


def hand_overs(asked: Asked) -> int:
    """List what you are asked to take over, and what of yours others are asked to."""
    with Share() as share:
        found = share.hand_overs
    return show(asked, list(found), found)


def take_over(asked: Asked) -> int:
    """Take over what somebody offers you."""
    with Share() as share:
        taken = share.take_over(asked.offer, asked.name)
    return show(asked, taken, f"{cards.visible(taken.name)} is yours now.")


def refuse_hand_over(asked: Asked) -> int:
    """Leave a folder that is offered to you with its owner, or take your own offer back."""
    with Share() as share:
        if asked.cancel:
            share.cancel_hand_over(asked.offer)
        else:
            share.refuse_hand_over(asked.offer)
    return show(asked, {"offer": asked.offer}, "It stays with its owner.")


def hand_over(asked: Asked) -> int:
    """Say where you offer your folder to somebody: a page of the hub."""
    with Share() as share:
        return show_page(asked, share.folders.get(asked.folder).hand_over_page)


def delete_for_ever(asked: Asked) -> int:
    """Say where you delete a folder of the trash for ever: a page of the hub."""
    with Share() as share:
        return show_page(asked, share.folders.get(asked.folder, "trashed").deletion_page)
