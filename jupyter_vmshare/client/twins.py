"""One method, two colours: written once as steps, called at once or awaited.

A class that is `Sync` runs the steps of its `twin` methods at once; one that is `Async` gives back
something to await. What the steps are does not know which.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from jupyter_vmshare.client.call import Call, Paged, Steps
from jupyter_vmshare.client.errors import VMShareError

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")


class SyncPlayer(Protocol):
    """Runs calls at once."""

    def run(self, call: Call[T]) -> T:
        """The call's result."""


class AsyncPlayer(Protocol):
    """Runs calls, awaited."""

    async def run(self, call: Call[T]) -> T:
        """The call's result."""


class Sync:
    """Whose `twin` methods run at once."""

    _player: SyncPlayer


class Async:
    """Whose `twin` methods are awaited."""

    _player: AsyncPlayer


def play(player: SyncPlayer, steps: Steps[T]) -> T:
    """Run steps to their end."""
    try:
        call = next(steps)
        while True:
            try:
                result = player.run(call)
            except VMShareError as error:
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        # An interrupt ends the steps here: what they hold open is closed before it goes on.
        steps.close()


async def play_async(player: AsyncPlayer, steps: Steps[T]) -> T:
    """Run steps to their end, awaiting each call."""
    try:
        call = next(steps)
        while True:
            try:
                result = await player.run(call)
            except VMShareError as error:
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        # An interrupt ends the steps here: what they hold open is closed before it goes on.
        steps.close()


class twin(Generic[S, P, T]):
    """Makes a method of steps callable in both colours."""

    def __init__(self, steps: Callable[Concatenate[S, P], Steps[T]]) -> None:
        self._steps: Callable[..., Steps[T]] = steps
        functools.update_wrapper(self, steps)  # type: ignore[arg-type]

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
        steps = self._steps
        if isinstance(obj, Sync):

            def at_once(*args: Any, **kwargs: Any) -> T:
                return play(obj._player, steps(obj, *args, **kwargs))

            return _looks_like(at_once, steps)

        async def awaited(*args: Any, **kwargs: Any) -> T:
            return await play_async(obj._player, steps(obj, *args, **kwargs))

        return _looks_like(awaited, steps)


class twin_property(Generic[S, T]):
    """Like `twin`, for what takes no arguments: an attribute, or one to be awaited."""

    def __init__(self, steps: Callable[[S], Steps[T]]) -> None:
        self._steps: Callable[..., Steps[T]] = steps
        self.__doc__ = steps.__doc__

    @overload
    def __get__(self, obj: Sync, owner: type | None = None) -> T: ...
    @overload
    def __get__(self, obj: Async, owner: type | None = None) -> Coroutine[Any, Any, T]: ...
    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        """The value in the colour of ``obj``."""
        if obj is None:
            return self
        run = play if isinstance(obj, Sync) else play_async
        return run(obj._player, self._steps(obj))


class verb(Generic[P, T]):
    """Makes a function that describes one call a method in both colours."""

    def __init__(self, describe: Callable[P, Call[T]]) -> None:
        self._describe: Callable[..., Call[T]] = describe
        functools.update_wrapper(self, describe)  # type: ignore[arg-type]

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

        # One function for both: a synchronous player's `run` returns, the other's is awaited.
        def method(*args: Any, **kwargs: Any) -> Any:
            return obj._player.run(self._describe(*args, **kwargs))

        return _looks_like(method, self._describe, drop=0)


class listing(Generic[P, T]):
    """Makes a function that describes a paged list an iterator in both colours."""

    def __init__(self, describe: Callable[P, Paged[T]]) -> None:
        self._describe: Callable[..., Paged[T]] = describe
        functools.update_wrapper(self, describe)  # type: ignore[arg-type]

    @overload
    def __get__(self, obj: Sync, owner: type | None = None) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, obj: Async, owner: type | None = None) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        """The method in the colour of ``obj``."""
        if obj is None:
            return self
        each = each_of if isinstance(obj, Sync) else each_awaited

        def method(*args: Any, **kwargs: Any) -> Any:
            return each(obj._player, self._describe(*args, **kwargs))

        return _looks_like(method, self._describe, drop=0)


def each_of(player: SyncPlayer, paged: Paged[T]) -> Iterator[T]:
    """The items of a paged list; a page is fetched when its first item is wanted."""
    after: str | None = None
    while True:
        page = player.run(paged.page(after))
        yield from paged.items(page)
        after = page.next
        if after is None:
            return


async def each_awaited(player: AsyncPlayer, paged: Paged[T]) -> AsyncIterator[T]:
    """The items of a paged list; a page is fetched when its first item is wanted."""
    after: str | None = None
    while True:
        page = await player.run(paged.page(after))
        for item in paged.items(page):
            yield item
        after = page.next
        if after is None:
            return


def _looks_like(method: Callable[..., Any], model: Callable[..., Any], drop: int = 1) -> Any:
    """``method`` with the name, help and signature that a notebook's completer shows."""
    functools.update_wrapper(method, model)
    signature = inspect.signature(model)
    parameters = list(signature.parameters.values())[drop:]
    # What the description returns (a `Call`, steps) is not what the method returns.
    shown = signature.replace(parameters=parameters, return_annotation=signature.empty)
    method.__signature__ = shown  # type: ignore[attr-defined]
    return method
