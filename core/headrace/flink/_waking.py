"""Which shards a worker has, turns for all of them when it starts, and timers that outlive it.

PyFlink runs a function for an element or a timer of one key, and a restored key that has neither
sleeps. At a worker's first turn, whichever key it is for, each of its shards is given a timer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.flink._pyflink import Row, keyed_state_backend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.flink._pyflink import RuntimeContext
    from headrace.flink._shards import Shard

__all__ = ["END_OF_TIME", "beat_at", "own_shards", "set_beacons", "wake"]

_INT = 0xFFFFFFFF
_BEACON_SECONDS = 2
_BEACONS = 13  # the furthest is more than two hours off
END_OF_TIME = 2**63 - 2
"""The event-time timer that a bounded input's last watermark fires."""


def beat_at(seconds: float) -> int:
    """The period of beacons that a time is in."""
    return int(seconds) // _BEACON_SECONDS


def set_beacons(shard: Shard, beat: int, timers: Any) -> None:
    """Registers the timers that outlive a checkpoint; Flink keeps one of equal ones."""
    last, shard.beat = shard.beat, beat
    if not last:
        timers.register_event_time_timer(END_OF_TIME)
    for level in range(_BEACONS):
        due = (beat >> level) + 2
        if not last or due != (last >> level) + 2:
            timers.register_processing_time_timer((due << level) * _BEACON_SECONDS * 1000)


def own_shards(context: RuntimeContext, shards: int) -> list[int]:
    """The shards whose state is a worker's: those of Flink's key groups that are its."""
    maximum = context.get_max_number_of_parallel_subtasks()
    parallelism = context.get_number_of_parallel_subtasks()
    index = context.get_index_of_this_subtask()
    return [
        number
        for number in range(shards)
        if key_group(number, maximum) * parallelism // maximum == index
    ]


def key_group(shard: int, maximum: int) -> int:
    """Flink's group of a shard's state, as Flink 1.12 to 2.3 reckon it.

    The key is a Java ``Row`` of one ``Integer``, whose hash is 62 more than the number
    (``RowUtils.deepHashCodeRow``); the group is its murmur hash (``MathUtils.murmurHash``) modulo
    the maximal parallelism (``KeyGroupRangeAssignment.computeKeyGroupForKeyHash``).
    """
    return _murmur(62 + shard) % maximum


def wake(context: RuntimeContext, numbers: Sequence[int], timers: Any, milliseconds: int) -> None:
    """Registers a timer for each of a worker's shards, in the turn of one of them."""
    backend = keyed_state_backend(context)
    if backend is None:
        return
    current = backend.get_current_key()
    try:
        for number in numbers:
            backend.set_current_key(Row(number))
            timers.register_processing_time_timer(milliseconds)
    finally:
        backend.set_current_key(current)


def _murmur(code: int) -> int:
    code = code * 0xCC9E2D51 & _INT
    code = _rotated(code, 15) * 0x1B873593 & _INT
    code = (_rotated(code, 13) * 5 + 0xE6546B64) & _INT
    code ^= 4
    code = (code ^ code >> 16) * 0x85EBCA6B & _INT
    code = (code ^ code >> 13) * 0xC2B2AE35 & _INT
    code ^= code >> 16
    if code < 1 << 31:
        return code
    return 0 if code == 1 << 31 else (1 << 32) - code


def _rotated(code: int, by: int) -> int:
    return (code << by | code >> (32 - by)) & _INT
