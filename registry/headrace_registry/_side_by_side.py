"""Downloads side by side that Ctrl-C ends at once: a pool would wait for all that is under way."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["side_by_side"]

_T = TypeVar("_T")
_R = TypeVar("_R")


def side_by_side(work: Callable[[_T], _R], items: Sequence[_T], at_once: int) -> list[_R]:
    """What some work gives for each item, in their order.

    Args:
        work: It may take long, and is not waited for once another one has failed.
        items: What it is given.
        at_once: How many of them at once.

    Raises:
        Exception: The first failure, whichever it is.
    """
    todo: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[tuple[int, _R | None, BaseException | None]] = SimpleQueue()
    for number in range(len(items)):
        todo.put(number)

    def run() -> None:
        while True:
            try:
                number = todo.get_nowait()
            except Empty:
                return
            try:
                done.put((number, work(items[number]), None))
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                done.put((number, None, error))

    for _ in range(min(at_once, len(items))):
        threading.Thread(target=run, name="registry download", daemon=True).start()
    found: dict[int, _R] = {}
    for _ in items:
        number, result, failure = done.get()
        if failure is not None:
            with suppress(Empty):
                while True:  # nobody begins with another one
                    todo.get_nowait()
            raise failure
        found[number] = result  # type: ignore[assignment] # it did not fail
    return [found[number] for number in range(len(items))]
