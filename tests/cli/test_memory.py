"""`agents memory`: what is known of a person, shown, handed over and erased."""

from __future__ import annotations

import json

import pytest

AGENT = """
from headrace import Agent, Context, InputEvent, OutputEvent, action, use


class Notes(Agent):
    memory = use("memory", "sqlite", path="notes.db")

    @action(InputEvent)
    async def note(self, event: InputEvent, ctx: Context) -> None:
        said = event.input
        await ctx.long_term.add(said["text"], user=said["user"])
        ctx.send(OutputEvent(output=said["text"]))


class Nothing(Agent):
    @action(InputEvent)
    def note(self, event: InputEvent, ctx: Context) -> None: ...
"""
SAID = [
    {"key": "a", "user": "ada", "text": "Ada likes green tea"},
    {"key": "b", "user": "ada", "text": "Ada lives in Bern"},
    {"key": "a", "user": "bo", "text": "Bo likes black coffee"},
]


@pytest.fixture
def notes(place):
    """Memories of two people under two keys."""
    (place.folder / "notes_agent.py").write_text(AGENT)
    (place.folder / "in.jsonl").write_text("".join(json.dumps(one) + "\n" for one in SAID))
    done = place.process(
        "run", "notes_agent.py:Notes", "--input", "in.jsonl", "--output", "o", "--key", "key"
    )
    assert done.returncode == 0, done.stderr
    return place


def memory(place, verb, *more):
    return place.process("memory", verb, "notes_agent.py:Notes", *more)


def texts(place, *more):
    return [json.loads(line)["text"] for line in memory(place, "export", *more).stdout.splitlines()]


def test_a_persons_memories_are_exported_from_all_keys_oldest_first(notes):
    assert texts(notes, "--user", "ada") == ["Ada likes green tea", "Ada lives in Bern"]


def test_those_of_one_key_alone(notes):
    assert texts(notes, "--key", "a") == ["Ada likes green tea", "Bo likes black coffee"]


def test_a_search_shows_the_nearest_of_a_person(notes):
    found = memory(notes, "search", "who likes tea", "--user", "ada", "--json")

    assert json.loads(found.stdout)["memories"][0]["text"] == "Ada likes green tea"


def test_erasing_a_person_leaves_the_others(notes):
    done = memory(notes, "erase", "--user", "ada", "--yes")

    assert done.stdout == "erased: 2 memories (agent Notes, user ada)\n"
    assert texts(notes) == ["Bo likes black coffee"]


def test_what_was_erased_is_not_in_the_files(notes):
    memory(notes, "erase", "--user", "ada", "--yes")

    assert not [p for p in notes.folder.glob("notes.db*") if b"green tea" in p.read_bytes()]


def test_a_dry_run_only_counts(notes):
    done = memory(notes, "erase", "--user", "ada", "--dry-run")

    assert "2 memories" in done.stdout
    assert len(texts(notes)) == 3


def test_erasing_is_asked_about(notes):
    done = memory(notes, "erase", "--user", "ada")

    assert (done.returncode, "add --yes" in done.stderr) == (2, True)
    assert len(texts(notes)) == 3


def test_erasing_everything_of_everybody_is_refused(notes):
    done = memory(notes, "erase", "--all-agents", "--yes")

    assert (done.returncode, "name a --user or a --key" in done.stderr) == (2, True)


def test_an_agent_without_memory_says_so(notes):
    done = notes.process("memory", "export", "notes_agent.py:Nothing")

    assert (done.returncode, "Nothing has no memory" in done.stderr) == (2, True)
