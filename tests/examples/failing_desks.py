"""The jobs of examples/joined_jobs, with agents each of which fails its job once.

Run as ``python failing_desks.py FOLDER one``, or ``two`` for the jobs that files join. What happens
is noted in a file that outlives a failure.
A run that fails waits for checkpoints before, so that there is something to go back to. Meanwhile
others go on as far as a gate, and when it opens go on until the failure comes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "joined_jobs"))

import joined_jobs
from joined_agents import Desk, Reader
from run_jobs import committed, start

from headrace import FAIL, AgentPlan, Context, InputEvent, action

CUSTOMERS = ("ada", "bo", "cem", "dee", "eli", "fay")
TEXTS = ("the invoice", "the parcel", "the login", "opening hours")
EACH = 24
READER_FAILS, DESK_FAILS, OTHER = "ada-6", "bo-15", "cem-16"
GATES = {8: "open reader", 12: "failed reader", 18: "open desk", 22: "failed desk"}
"""At which of its messages a customer waits, and for what."""


def messages() -> list[dict[str, str]]:
    """The inputs: the customers in turn, each with all topics in turn."""
    return [
        {
            "message": f"{customer}-{number}",
            "customer": customer,
            "text": f"About {TEXTS[(number + place) % len(TEXTS)]}.",
        }
        for number in range(1, EACH + 1)
        for place, customer in enumerate(CUSTOMERS)
    ]


# ---------------------------------------------------------------- what outlives a failure
def note(folder: str, line: str) -> None:
    """Writes a line."""
    file = os.open(f"{folder}/notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def notes(folder: str) -> list[str]:
    """The lines."""
    path = Path(folder, "notes")
    return path.read_text().splitlines() if path.exists() else []


async def noted(folder: str, line: str) -> None:
    """Waits until a line is there."""
    while line not in notes(folder):  # noqa: ASYNC110 - it may come from before a failure
        await asyncio.sleep(0.02)


def last_checkpoint(folder: str, job: str) -> int:
    """The number of a job's last checkpoint that was completed."""
    found = Path(folder).glob(f"out/checkpoints/{job}/*/chk-*/_metadata")
    return max((int(path.parent.name[4:]) for path in found), default=0)


async def checkpoints(folder: str, job: str, count: int) -> None:
    """Waits until so many more are completed."""
    wanted = last_checkpoint(folder, job) + count
    while last_checkpoint(folder, job) < wanted:  # noqa: ASYNC110 - Java writes it
        await asyncio.sleep(0.02)


async def fail_once(folder: str, job: str, name: str, seen: str) -> None:
    """Fails a job in the midst of its work, unless it has failed so before."""
    if f"failed {name}" in notes(folder):
        return
    await checkpoints(folder, job, 2)
    note(folder, f"open {name}")
    before = len(notes(folder))
    while not any(line.startswith(seen) for line in notes(folder)[before:]):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    while not (cases := committed(Path(folder, "out/cases"))):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    note(folder, f"failed {name} with {len(cases)} committed")
    note(folder, f"failed {name}")
    raise RuntimeError(f"the {name} fails")


# ---------------------------------------------------------------- the agents
class FailingReader(Reader):
    """Fails its job once; is as slow as a model."""

    folder: str
    job: str

    @action(InputEvent, on_failure=FAIL)
    async def read(self, event: InputEvent, ctx: Context) -> None:
        """Reads a message, as the example does."""
        message = event.input["message"]
        note(self.folder, f"reads {message}")
        await asyncio.sleep(0.02)
        if message == READER_FAILS:
            await fail_once(self.folder, self.job, "reader", "opens ")
        elif line := GATES.get(int(message.partition("-")[2])):
            await noted(self.folder, line)
        await super().read(event, ctx)


class FailingDesk(Desk):
    """Fails its job once."""

    folder: str
    job: str

    @action(InputEvent, on_failure=FAIL)
    async def open_case(self, event: InputEvent, ctx: Context) -> None:
        """Opens a case, as the example does."""
        message = event.input["message"]
        note(self.folder, f"opens {message}")
        if message == OTHER:
            await noted(self.folder, "failed desk")
        elif message == DESK_FAILS:
            await noted(self.folder, f"opens {OTHER}")  # of another desk, and under way
            await fail_once(self.folder, self.job, "desk", "reads ")
        await super().open_case(event, ctx)


def main(folder: Path, jobs: str) -> None:
    """Runs them until each message has a case, and two checkpoints longer."""
    inputs, output = folder / "in", folder / "out"
    inputs.mkdir()
    (output / "routed").mkdir(parents=True)
    lines = "".join(json.dumps(message) + "\n" for message in messages())
    (inputs / "messages.jsonl").write_text(lines)
    os.environ["JOINED_INPUT"], os.environ["JOINED_OUTPUT"] = inputs.as_uri(), output.as_uri()
    chosen = {
        "one": (joined_jobs.both,),
        "two": (joined_jobs.reading, joined_jobs.desks),
    }[jobs]
    first, last = chosen[0].name, chosen[-1].name
    plans: dict[str, Any] = {
        "Reader": AgentPlan.from_agent(FailingReader(folder=str(folder), job=first)),
        "Desk": AgentPlan.from_agent(FailingDesk(folder=str(folder), job=last)),
    }
    clients = [start(job, plans, output, parallelism=2) for job in chosen]
    deadline = time.monotonic() + 500
    while len(committed(output / "cases")) < len(messages()):
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(committed(output / 'cases'))} cases")
        time.sleep(0.1)
    # What is twice would be there by then.
    asyncio.run(checkpoints(str(folder), last, 2))
    for client in clients:
        client.cancel().result()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
