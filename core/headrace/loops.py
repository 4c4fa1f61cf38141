"""Loops of our own, also where somebody else's runs."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["outside_any_loop"]


def outside_any_loop(run: Callable[[], object], name: str = "headrace") -> None:
    """Calls ``run`` here, or in a thread where this one runs an event loop (a notebook).

    Args:
        run: What turns a loop of its own; what it raises is raised here.
        name: The thread's name.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        run()
        return
    failed: list[BaseException] = []

    def in_thread() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    thread = threading.Thread(target=in_thread, name=name)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
