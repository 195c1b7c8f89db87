"""How far something has come, in a notebook: a bar where ipywidgets can show one."""

# mypy: disallow-untyped-calls=False
# (ipywidgets has no types.)
from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_vmshare.client.transfer import Progress


@contextmanager
def shown_progress(title: str, wanted: Progress | bool) -> Iterator[Progress | None]:
    """What is to be called with the bytes so far and the size.

    Args:
        title: What is under way.
        wanted: True: a bar, in a notebook. False: nothing. Else the caller's own function.
    """
    if not isinstance(wanted, bool):
        yield wanted
    elif not wanted or not is_notebook():
        yield None
    else:
        bar = _Bar(title)
        try:
            yield bar.show
        except BaseException:
            bar.end("danger")
            raise
        else:
            bar.end("success")


def is_notebook() -> bool:
    """Whether this runs in a kernel, which can show widgets."""
    # Where IPython is not imported nobody uses it.
    found = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return getattr(found() if found else None, "kernel", None) is not None


class _Bar:
    """One bar, with words for those who do not see it."""

    def __init__(self, title: str) -> None:
        from IPython.display import display
        from ipywidgets.widgets.widget_box import HBox
        from ipywidgets.widgets.widget_float import FloatProgress
        from ipywidgets.widgets.widget_string import Label

        self._bar: Any = FloatProgress(min=0.0, max=1.0, tooltip=title)
        self._title, self._label = title, Label(value=title)
        display(HBox([self._bar, self._label]))
        self._percent: int | None = None
        self._done = -1

    def show(self, done: int, size: int | None) -> None:
        """So much of it; no more than a hundred times, whatever it is called."""
        percent = 100 if size == 0 else None if size is None else min(100, 100 * done // size)
        if percent is None:
            if done - self._done >= 1 << 20 or self._done < 0:
                self._done = done
                self._label.value = f"{self._title}: {_readable(done)}"
        elif percent != self._percent:
            self._percent, self._bar.value = percent, percent / 100
            self._label.value = f"{self._title}: {_readable(done)} of {_readable(size or 0)}"

    def end(self, style: str) -> None:
        """It is over."""
        self._bar.bar_style = style
        if style == "success":
            self._bar.value = 1.0


def _readable(size: int) -> str:
    amount = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
