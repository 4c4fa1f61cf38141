"""Resources: built once at their first use, for all who wait, and closed at the end."""

from __future__ import annotations

import pytest
from semantic_agents import itself
from unit_agents import Impatient, Late

from headrace import AgentPlan, run_local
from headrace.errors import WorkerMismatchError
from headrace.operator import check_worker


@pytest.fixture
def outputs():
    Late.opened = Late.closed = 0
    return run_local(Impatient(), ["impatient", "patient"], key=itself)


def test_a_first_user_who_gives_up_does_not_take_it_from_the_others(outputs):
    assert outputs == ["here"]


def test_it_is_built_once(outputs):
    assert Late.opened == 1


def test_it_is_closed_at_the_end(outputs):
    assert Late.closed == 1


def test_a_worker_with_other_versions_is_refused_with_both_lists():
    plan = AgentPlan.from_agent(Impatient())
    provider = plan.resource_providers["chat_models"]["late"].model_copy(
        update={"distribution": "pydantic", "version": "0.0.1"}
    )
    other = plan.model_copy(
        update={"core_version": "9.9", "resource_providers": {"chat_models": {"late": provider}}}
    )

    with pytest.raises(WorkerMismatchError) as refused:
        check_worker(other)

    assert "headrace-core: the plan needs 9.9, this worker has 0.1.0" in str(refused.value)
    assert "pydantic: the plan needs 0.0.1, this worker has " in str(refused.value)
