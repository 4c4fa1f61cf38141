"""The side outputs of an agent's function."""

from __future__ import annotations

from headrace.flink._pyflink import OutputTag, Types

__all__ = ["APPROVALS", "DEAD_LETTERS", "LEFT", "MARKS"]

DEAD_LETTERS = OutputTag("headrace-dead-letters", Types.PICKLED_BYTE_ARRAY())
"""The side output of dead letters: mappings, see ``headrace.operator.DeadLetter``."""
APPROVALS = OutputTag("headrace-approvals", Types.PICKLED_BYTE_ARRAY())
"""The side output of requests for somebody's decision: mappings, see ``headrace.approvals``."""
MARKS = OutputTag("headrace-marks", Types.STRING())
"""The side output of marks, by which workers learn of complete checkpoints (``_covered``)."""
LEFT = OutputTag("headrace-outbox", Types.STRING())
"""The side output of effects that a job with bounded inputs leaves (``_left``)."""
