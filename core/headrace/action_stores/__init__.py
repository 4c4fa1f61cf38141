"""Action stores: where finished durable calls are kept outside the engine's state.

An engine's journal goes back with its state when a job is restored from an older checkpoint. What a
store was given outlives that, so that a call that had finished is not made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.action_stores._interface import (
        ActionStore,
        ActionStoreError,
        CallRecord,
        KeptRun,
    )
    from headrace.action_stores._sqlite import SqliteActionStore

__all__ = ["ActionStore", "ActionStoreError", "CallRecord", "KeptRun", "SqliteActionStore"]

__getattr__ = lazily(
    __name__,
    {
        "_interface": ("ActionStore", "ActionStoreError", "CallRecord", "KeptRun"),
        "_sqlite": ("SqliteActionStore",),
    },
)
