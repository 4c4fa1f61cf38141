"""The tree of a run, its page, SQL, and a log that is followed."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest
from tests.registry.pages.conftest import browser  # noqa: F401 - a fixture

from headrace_cli._logs import _following
from headrace_cli._logs._following import follow, standing
from headrace_cli._logs._page import page
from headrace_cli._logs._reading import Problems, files_of
from headrace_cli._logs._tree import runs_of

FOLDER = "logs"


def record(kind, id_="", cause="", *, at, took=None, **fields):
    timed = {} if took is None else {"start": at - took, "duration": took}
    named = {name: value for name, value in (("id", id_), ("cause", cause)) if value}
    return {
        "v": 1, "time": at, "kind": kind, "what": "finished", "agent": "Desk", "run": "r-1",
        "key": "ann", "name": kind, **named, **timed, **fields,
    }  # fmt: skip


USAGE = {"input_tokens": 10, "output_tokens": 3, "cost": 0.25}
RUN = [
    record("model", "0.0/m", "0.0", at=101.0, took=0.5, usage=USAGE, data={"answer": "hello"}),
    record("tool", "0.0/t", "0.0", at=101.5, took=0.25, what="failed", error="no", fault="tool"),
    record("skill", "0.0/t/s.1", "0.0/t", at=101.4, what="loaded", name="refunds"),
    record("event", "0.0/0", "0.0", at=102.0, what="sent"),
    record("action", "0.0", at=102.0, took=1.5),
    record("model", "1.0/m", "1.0", at=103.0, took=0.5, usage=USAGE),
    record("action", "1.0", "0.0/0", at=103.5, took=1.0),
    record("run", at=104.0, took=4.0, data={"input": 1}),
]


def outline(records):
    [run] = runs_of(records)
    return [(depth, node.record.get("id", "run")) for depth, node in run.walk()]


def test_each_record_hangs_below_what_caused_it():
    assert outline(RUN) == [
        (0, "run"),
        (1, "0.0"),
        (2, "0.0/m"),
        (2, "0.0/t"),
        (3, "0.0/t/s.1"),
        (2, "0.0/0"),
        (3, "1.0"),
        (4, "1.0/m"),
    ]


def test_tokens_and_cost_are_added_up_and_those_that_were_reused_are_not():
    again = record("model", "1.0/n", "1.0", at=103.0, what="reused", usage=USAGE, replayed=True)
    [run] = runs_of([*RUN, again])

    assert (run.tokens_in, run.tokens_out, str(run.cost)) == (20, 6, "0.5")
    assert run.ended


def test_what_a_replay_wrote_again_is_one_record_and_counted():
    again = [{**one, "time": one["time"] + 50, "replayed": True} for one in RUN]
    reused = record("model", "0.0/m", "0.0", at=151.0, what="reused", replayed=True)
    [run] = runs_of([*RUN, *again, reused])

    assert outline([*RUN, *again]) == outline(RUN)
    assert {node.replayed for _, node in run.walk()} == {1, 2}
    assert run.tokens_in == 20


def test_attempts_of_an_action_are_apart_and_each_has_what_it_caused():
    records = [
        record("action", "0.0", at=101.0, took=1.0, what="failed", error="x"),
        record("call", "0.0/c", "0.0", at=100.5),
        record("action", "0.0", at=103.0, took=1.0, attempt=2),
        record("call", "0.0/c", "0.0", at=102.5, attempt=2),
    ]
    [run] = runs_of(records)

    assert not run.ended
    assert [(depth, node.record.get("attempt", 1)) for depth, node in run.walk()][1:] == [
        (1, 1), (2, 1), (1, 2), (2, 2),
    ]  # fmt: skip


def test_a_log_that_leads_in_circles_or_nowhere_is_put_together_all_the_same():
    records = [
        record("action", "a", "b", at=101.0),
        record("action", "b", "c", at=101.0),
        record("action", "c", "a", at=101.0),
        record("action", "self", "self", at=101.0),
        record("action", "lost", "gone", at=101.0),
        {"kind": "action", "run": "r-1", "id": 7, "time": "soon", "attempt": []},
    ]
    [run] = runs_of(records)
    assert sum(1 for _ in run.walk()) == 7


def test_a_run_of_very_many_steps_has_a_tree_too():
    records = [
        record("action", f"{number}", f"{number - 1}" if number else "", at=100.0 + number)
        for number in range(20_000)
    ]
    [run] = runs_of(records)

    assert sum(1 for _ in run.walk()) == 20_001
    assert "18,001 more records are not shown" in page([run])


def test_the_tries_of_a_call_hang_below_it():
    records = [
        record("retry", "0.0/c#1", "0.0/c", at=100.2, took=0.1, what="failed", error="x"),
        record("retry", "0.0/c#2", "0.0/c", at=100.5, took=0.1),
        record("call", "0.0/c", "0.0", at=100.5, took=0.4),
        record("action", "0.0", at=101.0, took=1.0),
    ]
    assert outline(records)[1:] == [(1, "0.0"), (2, "0.0/c"), (3, "0.0/c#1"), (3, "0.0/c#2")]


@pytest.fixture(params=["read", "indexed"])
def log(place, request, monkeypatch):
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(place.folder / "cache"))
    if request.param == "indexed":
        monkeypatch.setattr("headrace_cli._logs._asking.WORTH_IT", 0)
    other = [{**one, "run": "other-2"} for one in RUN]
    place.lines(f"{FOLDER}/a.jsonl", [*other, *RUN])
    return place


def test_the_tree_of_a_run_is_shown_with_times_tokens_and_cost(log):
    lines = log.run("logs", "tree", "r-1", FOLDER).stdout.splitlines()

    assert lines[0].startswith("run r-1 of Desk, key ann: ")
    assert lines[0].endswith("4.00 s, 20+6 tokens, cost 0.5")
    assert len(lines) == 9
    assert "tool tool failed" in lines[4]
    assert "250.0 ms" in lines[4]


def test_several_runs_may_begin_alike(log):
    found = json.loads(log.run("logs", "tree", "", FOLDER, "--json").stdout)
    assert [one["run"] for one in found] == ["other-2", "r-1"]


def test_a_run_that_is_not_there_is_told(log):
    result = log.run("logs", "tree", "nobody", FOLDER)

    assert result.exit_code == 1
    assert "agents logs list --type run" in result.stderr


def test_what_an_index_remembers_is_made_anew_when_the_log_grows(log):
    before = log.run("logs", "list", FOLDER, "--run", "new", "--json").stdout
    with (log.folder / FOLDER / "a.jsonl").open("a") as file:
        file.write(json.dumps({**RUN[0], "run": "new"}) + "\n")
    after = log.run("logs", "list", FOLDER, "--run", "new", "--json").stdout

    assert (before, json.loads(after)) == ("", {**RUN[0], "run": "new"})


@pytest.fixture
def sql(place, monkeypatch):
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(place.folder / "cache"))
    place.lines(f"{FOLDER}/a.jsonl", RUN)

    def sql(query):
        result = place.run("logs", "sql", query, FOLDER, "--json")
        assert result.exit_code == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    return sql


def test_a_log_is_asked_in_sql(sql):
    asked = "SELECT kind, count(*) AS n, sum(cost) AS cost FROM log WHERE kind = 'model' GROUP BY 1"
    assert sql(asked) == [{"kind": "model", "n": 2, "cost": 0.5}]
    assert sql("SELECT data->>'answer' AS said FROM log WHERE data->>'answer' IS NOT NULL") == [
        {"said": "hello"}
    ]
    assert sql("SELECT DISTINCT key, type FROM log WHERE type LIKE 'tool.%'") == [
        {"key": "ann", "type": "tool.tool"}
    ]


def test_for_people_the_answer_is_a_table(sql, place):
    result = place.run("logs", "sql", "SELECT kind, duration FROM log WHERE kind = 'run'", FOLDER)
    assert result.stdout == "kind  duration\nrun   4\n"


def test_a_query_that_is_wrong_is_told_with_its_place(sql, place):
    result = place.run("logs", "sql", "SELECT nothing FROM log", FOLDER)

    assert result.exit_code == 1
    assert "nothing" in result.stderr
    assert "LINE 1" in result.stderr


def test_without_duckdb_it_is_said_how_to_get_it(place, monkeypatch):
    import sys

    place.lines(f"{FOLDER}/a.jsonl", RUN)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    result = place.run("logs", "sql", "SELECT 1", FOLDER)

    assert result.exit_code == 1
    assert "pip install 'headrace[logs]'" in result.stderr


def test_a_log_that_is_written_is_followed_also_into_its_next_file(place):
    (place.folder / FOLDER).mkdir()
    place.lines(f"{FOLDER}/a.jsonl", [{**RUN[0], "run": "before"}])
    following = place.start(
        "logs", "list", FOLDER, "--follow", "--type", "model", "--json", stdout=subprocess.PIPE
    )
    try:
        assert json.loads(following.stdout.readline())["run"] == "before"
        with (place.folder / FOLDER / "a.jsonl").open("a") as file:
            file.write(json.dumps({**RUN[0], "run": "first"})[:20])
            file.flush()
            file.write(json.dumps({**RUN[0], "run": "first"})[20:] + "\n")
            file.write(json.dumps(RUN[-1]) + "\n")  # of another type
        assert json.loads(following.stdout.readline())["run"] == "first"
        (place.folder / FOLDER / "a.jsonl").rename(place.folder / FOLDER / "a.0001.jsonl")
        place.lines(f"{FOLDER}/a.jsonl", [{**RUN[0], "run": "second"}])
        assert json.loads(following.stdout.readline())["run"] == "second"
    finally:
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=30)


@pytest.fixture
def looks(place, monkeypatch):
    """What is done to the folder of logs after each look at it, from a list, the next one first."""
    (place.folder / FOLDER).mkdir()
    place.lines(f"{FOLDER}/a.jsonl", [{**RUN[0], "run": "before"}])
    todo = []

    def looked(paths):
        try:
            return files_of(paths)
        finally:
            if todo:
                todo.pop(0)()

    monkeypatch.setattr(_following, "files_of", looked)
    return todo


@pytest.fixture
def followed(place, looks):
    """The names of the runs of a log that is followed."""
    folder = place.folder / FOLDER
    following = follow([folder], standing([folder]), Problems())
    yield (record["run"] for record in following)
    following.close()


def test_a_file_that_is_renamed_while_the_folder_is_read_is_not_read_again(place, looks, followed):
    log = place.folder / FOLDER / "a.jsonl"
    looks += [
        lambda: place.lines(f"{FOLDER}/b.jsonl", [{**RUN[0], "run": "first"}]),
        lambda: None,
        lambda: log.with_name("b.jsonl").rename(log.with_name("b.0001.jsonl")),
        lambda: place.lines(f"{FOLDER}/b.jsonl", [{**RUN[0], "run": "second"}]),
    ]

    assert [next(followed), next(followed)] == ["first", "second"]
    assert not looks


def test_a_file_in_the_place_of_one_that_was_deleted_is_read_from_its_begin(place, looks, followed):
    log = place.folder / FOLDER / "a.jsonl"
    again = [{**RUN[0], "run": f"new {n}"} for n in range(3)]
    # Its number is given to the next file by most file systems.
    looks += [
        lambda: None,
        log.unlink,
        lambda: None,
        lambda: place.lines(f"{FOLDER}/a.jsonl", again),
    ]

    assert [next(followed) for _ in again] == ["new 0", "new 1", "new 2"]


HOSTILE = '<script>document.title="hit"</script><img src=x onerror="document.title=1">'


@pytest.fixture
def shown(place, browser):  # noqa: F811
    """The page of a run, in a browser."""
    hostile = record("model", "9/m", "1.0", at=103.2, took=0.1, name=HOSTILE, data={"x": HOSTILE})
    tries = [
        record("retry", "1.0/c#1", "1.0/c", at=103.1, took=0.1, what="failed", error="x", name="a"),
        record("retry", "1.0/c#2", "1.0/c", at=103.4, took=0.1, name="b"),
        record("call", "1.0/c", "1.0", at=103.4, took=0.4),
    ]
    place.lines(f"{FOLDER}/a.jsonl", [*RUN, *tries, hostile])
    assert place.run("logs", "tree", "r-1", FOLDER, "--html", "run.html").exit_code == 0
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    wrong, asked = [], []
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto((place.folder / "run.html").as_uri())
    opened.wrong, opened.asked = wrong, asked
    yield opened
    context.close()


def test_the_page_of_a_run_has_a_bar_for_each_record_as_long_as_it_took(shown):
    bars = {
        bar.evaluate("bar => bar.parentNode.querySelector('text').textContent"): bar.bounding_box()
        for bar in shown.locator("svg rect").all()
    }
    run, first = bars["run run"], bars["action action"]

    assert len(bars) == 10  # two models and two actions have one label each
    assert run["width"] == pytest.approx(730, abs=2)
    assert first["width"] == pytest.approx(run["width"] / 4, abs=2)
    assert first["x"] > run["x"]


def test_the_tries_of_a_call_are_bars_one_after_the_other_below_its_own(shown):
    def bar(label):
        return shown.locator("svg a", has_text=label).locator("rect")

    call, first, second = (bar(one).bounding_box() for one in ("call call", "retry a", "retry b"))

    assert call["x"] == pytest.approx(first["x"], abs=1)
    assert first["x"] + first["width"] < second["x"]
    assert second["x"] + second["width"] == pytest.approx(call["x"] + call["width"], abs=1)
    assert call["y"] < first["y"] < second["y"]
    assert bar("retry a").get_attribute("class") == "bad"


def test_it_says_what_the_run_has_cost(shown):
    assert "20, 6" in shown.locator("dl").inner_text()
    assert "0.5" in shown.locator("dl").inner_text()


def test_a_failure_is_seen_in_the_picture_and_read_below(shown):
    assert shown.locator("svg rect.bad").count() == 2
    assert shown.locator("li .error").all_inner_texts() == ["no", "x"]


def test_a_bar_leads_to_its_record(shown):
    shown.locator("svg a", has_text="tool tool failed").locator("rect").click()
    item = shown.locator("li:target")
    item.locator("summary").click()

    assert '"fault": "tool"' in item.locator("pre").inner_text()


def test_texts_of_models_are_texts_and_nothing_is_loaded(shown):
    assert shown.title() == "Run r-1"
    assert shown.wrong == []
    assert len(shown.asked) == 1
    assert HOSTILE[:20] in shown.locator("ul").inner_text()
