"""Lines that actions log say which agent, action, key and run they are of."""

from __future__ import annotations

import logging

import pytest
from typed_agents import LOG, Adding, Logging

from headrace import run_local
from headrace.operator._logs import mark_logs


@pytest.fixture
def marked():
    before = logging.getLogRecordFactory()
    mark_logs.cache_clear()
    mark_logs()
    yield
    logging.setLogRecordFactory(before)
    mark_logs.cache_clear()


def by_user(value):
    return value["user"]


@pytest.mark.usefixtures("marked")
def test_a_line_begins_with_agent_action_key_and_run(caplog):
    run_local(Adding(), [{"user": "ann", "amount": 4}], key=by_user)

    [record] = caplog.records
    said = record.getMessage()
    assert said.startswith(f'[Adding.add key="ann" run={record.headrace_run}] ')
    assert said.endswith("adding 4.0, 100% sure")


@pytest.mark.usefixtures("marked")
def test_a_key_cannot_pass_for_a_line_of_its_own(caplog):
    run_local(Adding(), [{"user": "ann\n[fake 100%d] " + "x" * 500, "amount": 4}], key=by_user)

    [record] = caplog.records
    assert "\n" not in record.getMessage()
    assert len(record.headrace_key) < 100


@pytest.mark.usefixtures("marked")
def test_an_action_in_a_thread_logs_with_its_key_too(caplog):
    run_local(Logging(), ["a"])

    [record] = caplog.records
    assert record.getMessage().startswith('[Logging.log key="a" run=')


@pytest.mark.usefixtures("marked")
def test_what_is_logged_outside_of_actions_stays_as_it_is(caplog):
    run_local(Adding(), [{"user": "ann", "amount": 4}], key=by_user)
    caplog.clear()

    LOG.warning("outside")

    assert [record.getMessage() for record in caplog.records] == ["outside"]
