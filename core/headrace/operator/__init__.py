"""The operator: engine-free, one input of a key at a time, with the laws that every engine keeps.

1. Inputs of one key run one after the other, in order; different keys run concurrently, bounded.
2. Actions are ``def`` or ``async def``; what can be awaited works, blocking ones run in threads.
3. What a run changed and put out becomes visible together, or not at all.
4. A run that fails follows its policy; every call has a time-out.
5. After a crash, what was committed stays, what was not is run again, and a durable call that had
   finished is not made again.
"""

from headrace.operator._alone import resources_alone
from headrace.operator._effects import Effect
from headrace.operator._fitting import Fitting
from headrace.operator._journal import Journal
from headrace.operator._ledger import Ledger
from headrace.operator._logs import mark_logs
from headrace.operator._names import Names
from headrace.operator._operator import Operator
from headrace.operator._outbox import Outbox, letter_of
from headrace.operator._run import DeadLetter, Outcome, Run, RunInput
from headrace.operator._worker_check import check_worker

__all__ = [
    "DeadLetter",
    "Effect",
    "Fitting",
    "Journal",
    "Ledger",
    "Names",
    "Operator",
    "Outbox",
    "Outcome",
    "Run",
    "RunInput",
    "check_worker",
    "letter_of",
    "mark_logs",
    "resources_alone",
]
