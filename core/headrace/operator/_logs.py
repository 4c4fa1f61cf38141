"""What actions log: each line is told which agent, action, key and run it is of."""

from __future__ import annotations

import functools
import json
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from headrace.errors import MemoryValueError
from headrace.values import to_jsonable

if TYPE_CHECKING:
    from headrace.operator._context import RunContext

__all__ = ["LOGGING", "mark_logs"]

LOGGING: ContextVar[RunContext | None] = ContextVar("headrace-logging", default=None)
"""The context of the action that runs here; set by the operator."""
_LONGEST_KEY = 80


@functools.cache
def mark_logs() -> None:
    """From now on lines that actions of this process log begin with agent, action, key and run.

    ``[Desk.sort key="ann" run=1f0c...-7] the message``; the parts are in the record too, as
    ``headrace_action``, ``headrace_key`` and ``headrace_run``.
    """
    before = logging.getLogRecordFactory()

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        context = LOGGING.get()
        if context is not None:
            _mark(record, context)
        return record

    logging.setLogRecordFactory(made)


def _mark(record: logging.LogRecord, context: RunContext) -> None:
    try:
        # As JSON a key has no line breaks: it cannot pass for a line of its own.
        key = json.dumps(to_jsonable(context.key))
    except MemoryValueError:
        key = json.dumps(repr(context.key))
    if len(key) > _LONGEST_KEY:
        key = f"{key[:_LONGEST_KEY]}..."
    record.headrace_action = context.label
    record.headrace_key, record.headrace_run = key, context.run_id
    mark = f"[{context.label} key={key} run={context.run_id}] "
    record.msg = (mark.replace("%", "%%") if record.args else mark) + str(record.msg)
