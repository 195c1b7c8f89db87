"""Methods that wait for a machine: written awaited, once, and callable in both colours."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from jupyter_vmshare.client.twins import Async, Sync
from jupyter_vmshare.reach.threads import Say, at_once

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")


class awaiting(Generic[S, P, T]):
    """Makes a method that awaits callable at once where its object is `Sync`.

    The method takes the `Say` with which it shows things, before its arguments. Awaited, that is a
    plain call; at once, the method runs in a loop of its own, and what it shows is shown by the
    thread that waits, which an interrupt ends with it.
    """

    def __init__(self, work: Callable[Concatenate[S, Say, P], Coroutine[Any, Any, T]]) -> None:
        self._work: Callable[..., Coroutine[Any, Any, T]] = work
        functools.update_wrapper(self, work)  # type: ignore[arg-type]

    @overload
    def __get__(self, obj: Sync, owner: type | None = None) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, obj: Async, owner: type | None = None
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        """The method in the colour of ``obj``."""
        if obj is None:
            return self
        work = self._work
        if isinstance(obj, Sync):

            def method(*args: Any, **kwargs: Any) -> Any:
                return at_once(lambda say: work(obj, say, *args, **kwargs))

        else:

            def method(*args: Any, **kwargs: Any) -> Any:
                return work(obj, _directly, *args, **kwargs)

        functools.update_wrapper(method, work)
        signature = inspect.signature(work)
        parameters = list(signature.parameters.values())[2:]
        method.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return method


def _directly(act: Callable[..., None], *args: Any) -> None:
    act(*args)
