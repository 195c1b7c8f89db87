"""How far something has come, in a notebook: a bar where ipywidgets can show one."""

# mypy: disallow-untyped-calls=False
# (ipywidgets has no types.)
from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_vmshare.client.transfer import Progress
from jupyter_vmshare.reach.threads import Say


@contextmanager
def shown_progress(title: str, wanted: Progress | bool, say: Say) -> Iterator[Progress | None]:
    """What is to be called with the bytes so far and the size.

    Args:
        title: What is under way.
        wanted: True: a bar, in a notebook. False: nothing. Else the caller's own function.
        say: Calls a function where the cell runs: nothing is shown elsewhere.
    """
    if not isinstance(wanted, bool):
        yield lambda done, size: say(wanted, done, size)
        return
    with shown_bar(title, wanted, say) as bar:
        told = None if bar is None else _Bytes(bar)
        yield None if told is None else lambda done, size: say(told.show, done, size)


@contextmanager
def shown_bar(title: str, wanted: bool, say: Say) -> Iterator[Bar | None]:
    """A bar in a notebook, if it is wanted; ``say`` as above."""
    if not wanted or not is_notebook():
        yield None
        return
    bar = Bar(title)
    say(bar.begin)
    try:
        yield bar
    except BaseException:
        say(bar.end, "danger")
        raise
    else:
        say(bar.end, "success")


def is_notebook() -> bool:
    """Whether this runs in a kernel, which can show widgets."""
    # Where IPython is not imported nobody uses it.
    found = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return getattr(found() if found else None, "kernel", None) is not None


class Bar:
    """One bar, with words for those who do not see it."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: Any = None
        self._label: Any = None

    def begin(self) -> None:
        """Show it."""
        from IPython.display import display
        from ipywidgets.widgets.widget_box import HBox
        from ipywidgets.widgets.widget_float import FloatProgress
        from ipywidgets.widgets.widget_string import Label

        self._bar = FloatProgress(min=0.0, max=1.0, tooltip=self._title)
        self._label = Label(value=self._title)
        display(HBox([self._bar, self._label]))

    def at(self, part: float | None, words: str) -> None:
        """So far it is; None: nobody knows."""
        if part is not None:
            self._bar.value = part
        self._label.value = f"{self._title}: {words}"

    def end(self, style: str) -> None:
        """It is over."""
        self._bar.bar_style = style
        if style == "success":
            self._bar.value = 1.0


class _Bytes:
    """Moves a bar no more than a hundred times, however often it is told."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._percent: int | None = None
        self._done = -1

    def show(self, done: int, size: int | None) -> None:
        """So much of it."""
        percent = 100 if size == 0 else None if size is None else min(100, 100 * done // size)
        if percent is None:
            if done - self._done >= 1 << 20 or self._done < 0:
                self._done = done
                self._bar.at(None, _readable(done))
        elif percent != self._percent:
            self._percent = percent
            self._bar.at(percent / 100, f"{_readable(done)} of {_readable(size or 0)}")


def _readable(size: int) -> str:
    amount = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
