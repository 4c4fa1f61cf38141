"""What is told at which level, what a replay writes again, and who else is given it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import log_agents
import pytest
from log_agents import LogDesk, Trying, Waiting, once

from headrace import Agent, AgentPlan, ChatModel, Context, InputEvent, RuntimeConfig, action, use
from headrace.eventlog import LogSettings
from headrace.local import IterableSource, ListSink, LocalEngine


@pytest.fixture
def told(tmp_path):
    """Runs an agent; gives the records of its log."""
    folder = tmp_path / "logs"

    def told(agent, *inputs, state=None, before=lambda engine: None, **settings):
        settings.setdefault("folder", str(folder))
        plan = AgentPlan.from_agent(agent)
        config = RuntimeConfig(log=LogSettings(**settings), failure=plan.config.failure)
        engine = LocalEngine(
            plan.model_copy(update={"config": config}),
            key=once,
            state=state,
            output=ListSink(),
            stop_after=0.01,
        )
        before(engine)
        engine.run(IterableSource(inputs))
        if not folder.is_dir():
            return []
        files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]

    return told


def kinds(records):
    return [(one["kind"], one["what"]) for one in records if one["kind"] != "log"]


def test_at_verbose_it_is_also_told_what_began(told):
    assert kinds(told(Waiting(), {"do": "x"}, level="verbose")) == [
        ("run", "started"),
        ("action", "started"),
        ("call", "finished"),
        ("action", "finished"),
        ("run", "finished"),
    ]


def test_at_verbose_requests_and_values_are_whole(told):
    long = "x" * 5000
    records = told(LogDesk(), {"do": long}, level="verbose")
    [run] = [one for one in records if (one["kind"], one["what"]) == ("run", "finished")]
    asked = [one for one in records if one["kind"] == "model"]

    assert run["data"]["input"] == {"do": long}
    assert run["data"]["memory"] == {"seen": 1}
    assert asked[0]["data"]["request"]["messages"][0]["content"] == long
    assert run["level"] == "verbose"
    assert "cut" not in run


class Writing(Agent):
    """Writes to short-term memory, and waits for nothing."""

    @action(InputEvent)
    async def write(self, event: InputEvent, ctx: Context) -> None:
        for name in event.input["names"]:
            ctx.short_term[tuple(name)] = "value"


class TestWhatAnActionWrote:
    def wrote(self, told, *names, **settings):
        records = told(Writing(), {"do": "write", "names": names}, **settings)
        return [one for one in records if one["kind"] == "memory"]

    def test_its_names_are_told_with_the_action(self, told):
        [one] = self.wrote(told, ["seen"], ["orders", "o/1"])

        assert one["data"] == {"names": ["seen", "orders/o/1"]}
        assert (one["what"], one["name"]) == ("written", "short_term")
        assert (one["id"], one["cause"]) == ("0.0/memory", "0.0")

    def test_at_verbose_their_values_are_told_too(self, told):
        [one] = self.wrote(told, ["seen"], ["orders", "o/1"], levels=("memory=verbose",))

        assert one["data"] == {"values": {"seen": "value", "orders/o/1": "value"}}

    def test_very_many_and_very_long_ones_are_cut_and_counted(self, told):
        [one] = self.wrote(told, *([f"{number}" * 2000] for number in range(1000)), max_items=3)

        assert [len(name) for name in one["data"]["names"]] == [1000] * 3
        assert one["cut"] == {"texts": 3, "characters": 3000, "items": 997}

    def test_what_looks_like_a_secret_in_them_is_not_told(self, told):
        [one] = self.wrote(told, ["sk-0123456789abcdef0123"])

        assert one["data"] == {"names": ["[redacted]"]}
        assert one["cut"] == {"redacted": 1}

    def test_nothing_is_told_where_nothing_was_written(self, told):
        assert self.wrote(told) == []


def test_at_standard_they_are_shortened(told):
    [run] = [one for one in told(LogDesk(), {"do": "x" * 5000}) if one["kind"] == "run"]

    assert run["data"]["input"] == {"do": "x" * 1000}
    assert run["data"]["outputs"] == [{"key": "x" * 1000, "price": 5000}]
    assert run["cut"] == {"texts": 2, "characters": 2 * 4000}


def test_types_may_be_left_out_and_others_told_in_full(told):
    levels = ["off", ["model.clerk=standard", "action.order=verbose"]]
    records = told(LogDesk(), {"do": "x"}, level=levels[0], levels=levels[1])

    assert kinds(records) == [
        ("action", "started"),
        ("model", "finished"),
        ("model", "finished"),
        ("action", "finished"),
    ]


def test_what_a_replay_writes_again_is_the_same_record_and_marked(told, tmp_path, monkeypatch):
    state = tmp_path / "state.db"
    with monkeypatch.context() as held:
        told(
            Waiting(), {"do": "x"}, state=state,
            before=lambda engine: held.setattr(log_agents, "HOLD", [engine.stop]),
        )  # fmt: skip
    records = told(Waiting(), state=state)

    def named(kind):
        return [
            (one["run"], one.get("id"), one["what"], one.get("replayed", False))
            for one in records
            if one["kind"] == kind
        ]

    (run, call, *_), again = named("call")
    assert named("call") == [(run, call, "finished", False), again]
    assert again == (run, call, "reused", True)
    assert named("run") == [(run, None, "handed_back", False), (run, None, "finished", True)]
    assert named("action") == [(run, "0.0", "finished", True)]


def test_tries_that_are_made_again_after_a_crash_are_the_same_records(told, tmp_path, monkeypatch):
    state = tmp_path / "state.db"
    log_agents.FAILED.clear()
    with monkeypatch.context() as held:
        told(
            Trying(), {"do": "x"}, state=state,
            before=lambda engine: held.setattr(log_agents, "HOLD_TRY", {2: engine.stop}),
        )  # fmt: skip
    log_agents.FAILED.clear()
    records = told(Trying(), state=state)

    def tries(replayed):
        return [
            (one["run"], one["id"], one["data"]["try"])
            for one in records
            if one["kind"] == "retry" and one.get("replayed", False) == replayed
        ]

    assert [number for *_, number in tries(replayed=True)] == [1, 2, 3]
    assert tries(replayed=False) == tries(replayed=True)[:1]


def test_a_call_whose_outcome_is_recorded_is_not_tried_again(told, tmp_path, monkeypatch):
    state = tmp_path / "state.db"
    log_agents.FAILED.clear()
    with monkeypatch.context() as held:
        told(
            Trying(), {"do": "x"}, state=state,
            before=lambda engine: held.setattr(log_agents, "HOLD", [engine.stop]),
        )  # fmt: skip
    records = told(Trying(), state=state)

    assert [one["data"]["try"] for one in records if one["kind"] == "retry"] == [1, 2, 3]
    assert [one["what"] for one in records if one["kind"] == "call"] == ["finished", "reused"]


PLUGIN = """
import json
from headrace.plugins import hookimpl

class Sink:
    @hookimpl
    def headrace_record(self, record):
        if record["kind"] == {fails!r}:
            raise ValueError("not this one")
        with open({path!r}, "a") as file:
            file.write(json.dumps(record) + "\\n")
"""


@pytest.fixture
def sink(tmp_path, monkeypatch):
    """Installs a hook plugin; gives what it was given."""
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path / "cache"))
    site, path = tmp_path / "site", tmp_path / "given.jsonl"
    info = site / "sinks-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sinks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[headrace.hooks]\nmine = log_sink:Sink\n")
    monkeypatch.syspath_prepend(str(site))

    def sink(fails=""):
        (site / "log_sink.py").write_text(PLUGIN.format(path=str(path), fails=fails))

        def given():
            return [json.loads(line) for line in path.read_text().splitlines()]

        return given

    return sink


def test_a_hook_plugin_is_given_each_record_as_it_is_written(told, sink):
    given = sink()
    records = told(Waiting(), {"do": "x", "password": "hunter"}, sinks=["mine"])

    assert given() == [one for one in records if one["kind"] != "log"]
    assert given()[-1]["data"]["input"]["password"] == "[redacted]"  # noqa: S105 - none


def test_one_that_fails_harms_nothing_and_is_told_of_once(told, sink, caplog):
    given = sink(fails="call")
    records = told(Waiting(), {"do": "x"}, {"do": "y"}, sinks=["mine"])

    assert kinds(given()) == [("action", "finished"), ("run", "finished")] * 2
    assert len(kinds(records)) == 6
    said = [one.getMessage() for one in caplog.records if "not this one" in one.getMessage()]
    assert len(said) == 1
    assert "sinks:mine" in said[0]


def test_one_that_is_not_installed_is_told_of_and_the_log_is_written(told, caplog):
    records = told(Waiting(), {"do": "x"}, sinks=["nobody"])

    assert len(kinds(records)) == 3
    assert any("nobody" in one.getMessage() for one in caplog.records)


def test_records_may_go_to_python_s_logging_which_a_cluster_shows(told, caplog):
    caplog.set_level(logging.INFO, "headrace.events")
    assert told(Waiting(), {"do": "x"}, logger=True, folder=None) == []
    said = [one.getMessage() for one in caplog.records if one.name == "headrace.events"]

    assert kinds(map(json.loads, said)) == [
        ("call", "finished"), ("action", "finished"), ("run", "finished"),
    ]  # fmt: skip


def test_a_folder_may_be_named_by_a_variable_of_the_worker(told, tmp_path, monkeypatch):
    monkeypatch.setenv("LOG_HOME", str(tmp_path))
    assert told(Waiting(), {"do": "x"}, folder="$LOG_HOME/logs")


def test_where_the_worker_lacks_the_variable_it_is_said_and_the_job_goes_on(
    told, tmp_path, monkeypatch, caplog
):
    monkeypatch.delenv("LOG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    told(Waiting(), {"do": "x"}, folder="${LOG_HOME}/logs")

    assert list(tmp_path.iterdir()) == []
    assert "log.folder is ${LOG_HOME}/logs, and this worker has no variable LOG_HOME" in caplog.text


def test_the_values_of_secret_variables_are_not_told(told, monkeypatch):
    monkeypatch.setenv("SHOP_API_KEY", "opensesame-42")
    records = told(Waiting(), {"do": "x", "says": "it is opensesame-42"})
    assert "opensesame" not in json.dumps(records)


class Doorkeeper(ChatModel):
    """Is opened with what a variable says; answers nobody."""

    def __init__(self, *, door_env, secret_headers):
        """Notes nothing."""

    async def chat(self, request):
        """Is not asked."""
        raise AssertionError(request)


class Guarded(Agent):
    """Has a resource whose arguments name variables."""

    keeper = use(
        "chat_models", Doorkeeper, door_env="DOOR", secret_headers={"x-lift": "LIFT_NUMBER"}
    )

    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        """Does nothing."""


@pytest.mark.parametrize("variable", ["DOOR", "LIFT_NUMBER"])
def test_nor_are_those_of_variables_that_a_resource_names_as_secret(told, monkeypatch, variable):
    monkeypatch.setenv(variable, "opensesame-42")
    records = told(Guarded(), {"do": "x", "says": "it is opensesame-42"})

    assert records[-1]["data"]["input"]["says"] == "it is [redacted]"


def test_a_log_of_one_file_is_begun_anew_by_each_job_and_kept_with_a_state(tmp_path):
    file = tmp_path / "events.jsonl"

    def lines(state=None):
        plan = AgentPlan.from_agent(Waiting())
        engine = LocalEngine(plan, key=once, state=state, output=ListSink(), events=file)
        engine.run(IterableSource([{"do": "x"}]))
        return len(Path(file).read_text().splitlines())

    assert (lines(), lines()) == (4, 4)
    assert lines(tmp_path / "state.db") > 4
