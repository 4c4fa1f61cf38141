"""``agents logs cost``: what models cost, by whom and what for; nothing counted as nothing."""

from __future__ import annotations

import json

import pytest

FOLDER = "the log"


def asked(id_, cost=None, *, model="gpt", at=100.0, agent="Desk", key="ann", run="r-1", **more):
    usage = {"input_tokens": 10, "output_tokens": 2}
    if cost is None:
        usage["unpriced_tokens"] = 12
    elif cost:
        usage |= {"cost": cost, "currency": more.pop("currency", "USD")}
    data = {"provider": "openai", "model": model}
    if member := more.pop("member", ""):
        data["member"] = member
    return {
        "v": 1, "time": at, "kind": "model", "what": "finished", "agent": agent, "run": run,
        "key": key, "name": "llm", "id": f"0.0/{id_}", "cause": "0.0", "usage": usage, "data": data,
        **more,
    }  # fmt: skip


def skill(name, *, at, cause="0.0/tool:load_skill|ab.1", what="loaded", **more):
    return {
        "v": 1, "time": at, "kind": "skill", "what": what, "agent": "Desk", "run": "r-1",
        "key": "ann", "name": name, "id": f"{cause}/skills.1", "cause": cause, **more,
    }  # fmt: skip


@pytest.fixture(params=["read", "indexed"])
def cost(place, request, monkeypatch):
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(place.folder / "cache"))
    if request.param == "indexed":
        monkeypatch.setattr("headrace_cli._logs._asking.WORTH_IT", 0)

    def cost(*records, options=()):
        place.lines(f"{FOLDER}/a.jsonl", records)
        result = place.run("logs", "cost", FOLDER, *options)
        assert result.exit_code == 0, result.stderr
        return result

    return cost


@pytest.fixture
def bill(cost):
    def bill(*records, by="model", options=()):
        told = json.loads(cost(*records, options=("--by", by, "--json", *options)).stdout)
        rows = {row[by]: (row["requests"], row["cost"]) for row in told["rows"]}
        return rows, told

    return bill


def test_it_is_a_table_with_the_dearest_first_and_a_total(cost):
    result = cost(asked("a", 0.25), asked("b", 0.5, model="pro"), asked("c", 0.05))

    assert [line.split() for line in result.stdout.splitlines()] == [
        ["model", "requests", "input", "output", "cost"],
        ["openai/pro", "1", "10", "2", "0.5", "USD"],
        ["openai/gpt", "2", "20", "4", "0.3", "USD"],
        ["total", "3", "30", "6", "0.8", "USD"],
    ]
    assert result.stderr == ""


def test_sums_are_exact(bill):
    _, told = bill(*(asked(f"{n}", 0.1) for n in range(10)))

    assert told["total"]["cost"] == {"USD": "1"}


def test_tokens_without_a_price_are_told_and_never_nothing(cost):
    result = cost(asked("a", 0.25), asked("b", None, model="new"))

    assert [line.split()[4:] for line in result.stdout.splitlines()[1:]] == [
        ["0.25", "USD"], ["?"], ["0.25", "USD", "+", "?"],
    ]  # fmt: skip
    assert "12 tokens have no price and are not in the cost: of openai/new" in result.stderr


def test_a_model_that_is_free_costs_0(cost):
    assert cost(asked("a", 0)).stdout.splitlines()[1].split()[4:] == ["0"]


def test_currencies_are_not_mixed(bill):
    _, told = bill(asked("a", 0.25), asked("b", 0.5, currency="EUR"))

    assert told["total"]["cost"] == {"EUR": "0.5", "USD": "0.25"}


def test_by_agent_members_and_sub_agents_stand_apart(bill):
    rows, _ = bill(asked("a", 0.5), asked("b", 0.25, member="helper"), by="agent")

    assert rows == {"Desk": (1, {"USD": "0.5"}), "Desk.helper": (1, {"USD": "0.25"})}


def test_by_key(bill):
    rows, _ = bill(asked("a", 0.5), asked("b", 0.25, key=7, run="r-2"), by="key")

    assert rows == {"ann": (1, {"USD": "0.5"}), "7": (1, {"USD": "0.25"})}


def test_by_skill_a_request_counts_for_those_in_its_conversation_and_once_in_the_total(bill):
    rows, told = bill(
        asked("a", 0.5, at=100.0),
        skill("refunds", at=101.0),
        skill("greeting", at=101.5, what="suggested"),
        asked("b", 0.25, at=102.0),
        skill("taxes", at=103.0),
        asked("c", 0.125, at=104.0),
        asked("d", 1.0, at=105.0, run="r-2"),
        by="skill",
    )

    assert rows == {
        "-": (2, {"USD": "1.5"}),
        "refunds": (2, {"USD": "0.375"}),
        "taxes": (1, {"USD": "0.125"}),
    }
    assert told["total"]["cost"] == {"USD": "1.875"}


def test_what_a_replay_took_from_the_journal_has_cost_nothing(bill):
    rows, _ = bill(asked("a", 0.5), asked("a", 0.5, at=200.0, what="reused", replayed=True))

    assert rows == {"openai/gpt": (1, {"USD": "0.5"})}


def test_a_request_that_was_made_again_after_a_crash_is_told_apart(cost, bill):
    records = [asked("a", 0.5), asked("a", 0.5, at=200.0, replayed=True)]

    rows, told = bill(*records)
    assert rows == {"openai/gpt": (1, {"USD": "0.5"})}
    assert told["made_again"]["cost"] == {"USD": "0.5"}
    assert "1 requests were made again after a crash, for 0.5 USD more" in cost(*records).stderr


def test_a_further_attempt_that_asks_anew_has_cost_more(bill):
    rows, _ = bill(asked("a", 0.5), asked("a", 0.5, at=101.0, attempt=2))

    assert rows == {"openai/gpt": (2, {"USD": "1"})}


def test_what_a_memory_learned_is_on_the_bill(bill):
    learned = {**asked("a", 0.5), "kind": "memory", "name": "learn"}

    assert bill(learned)[0] == {"memory learn": (1, {"USD": "0.5"})}


def test_only_some_keys_and_times_are_asked_for(bill):
    records = [asked("a", 0.5), asked("b", 0.25, key="ben", run="r-2", at=200.0)]

    assert bill(*records, options=("--key", "ben"))[0] == {"openai/gpt": (1, {"USD": "0.25"})}
    assert bill(*records, options=("--until", "1970-01-01T00:02:00+00:00"))[0] == {
        "openai/gpt": (1, {"USD": "0.5"})
    }


@pytest.mark.parametrize("wrong", ["much", -1, True, [], {"$": 1}])
def test_a_cost_that_is_none_is_left_out(bill, wrong):
    record = asked("a", 0)
    record["usage"]["cost"] = wrong

    assert bill(record)[0] == {"openai/gpt": (1, {})}


def test_cheaper_rows_than_the_limit_are_told_of_and_in_the_total(cost):
    records = [asked(f"{n}", 0.5, key=f"{n}", run=f"{n}") for n in range(3)]
    result = cost(*records, options=("--by", "key", "--limit", "1"))

    assert len(result.stdout.splitlines()) == 3
    assert result.stdout.splitlines()[-1].split() == ["total", "3", "30", "6", "1.5", "USD"]
    assert "2 cheaper rows are not shown" in result.stderr
