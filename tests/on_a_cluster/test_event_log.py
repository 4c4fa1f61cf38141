"""The event log of a job on a cluster, as Flink's REST API and its web interface show it."""

from __future__ import annotations

import json
import re

import pytest

from headrace_registry.clusters import ClusterSpec

from ..registry.pages.conftest import browser  # noqa: F401, TID252 - a fixture
from .conftest import opened, own_name, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.flink]
SOURCE = '''
import json

from pyflink.common import Types

from headrace import Agent, Context, InputEvent, OutputEvent, action
from headrace.flink import process
from headrace.jobs import job


class Desk(Agent):
    """Says what it hears."""

    @action(InputEvent)
    async def hear(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=event.input))


def whole(value):
    return value


@job(Desk(), name="desk")
def desk(env, plans):
    stream = env.from_collection(["plums"], Types.STRING())
    process(
        stream, plans["Desk"], key=whole, render=json.dumps, output_type=Types.STRING()
    ).output.print()
'''
RUN = '"kind":"run","what":"finished"'


@pytest.fixture(scope="module")
def site(kit, zips):
    """A cluster on which the job ran; its TaskManager is ``site.worker``."""
    spec = ClusterSpec(name=own_name("logged"), slots=1, memory="768m")
    with opened(kit, spec) as site:
        site.agents(
            *("submit", zips.build(SOURCE, "jobs:desk")),
            *("--set", "log.folder=$FLINK_LOG_DIR", "--set", "log.logger=true"),
        )
        [worker] = site.rest.taskmanagers()
        site.worker = worker.id
        yield site


@pytest.fixture(scope="module")
def name(site):
    """The name of the log's file, in the TaskManager's list of logs."""
    pattern = re.compile(r"[Dd]esk\.\S+-0\.a0\.\d{8}T\d{6}-\d+\.jsonl")
    [name] = [one.name for one in site.rest.logs(site.worker) if pattern.fullmatch(one.name)]
    return name


def text(pieces):
    return b"".join(pieces).decode()


def test_its_file_is_among_the_taskmanager_s_logs_and_can_be_read_there(site, name):
    wait_until(lambda: RUN in text(site.rest.log(site.worker, name)), "the run's record")
    records = [json.loads(line) for line in text(site.rest.log(site.worker, name)).splitlines()]

    assert [(one["kind"], one.get("key")) for one in records] == [
        ("log", None),
        ("action", "plums"),
        ("run", "plums"),
    ]


def test_with_the_logger_its_records_are_lines_of_the_taskmanager_s_own_log(site):
    wait_until(lambda: RUN in text(site.rest.log(site.worker)), "the run's record")
    [line] = [one for one in text(site.rest.log(site.worker)).splitlines() if RUN in one]
    record = json.loads(line[line.index('{"v":') :])

    assert record["data"] == {"input": "plums", "outputs": ["plums"]}


@pytest.fixture
def opened_page(site, browser):  # noqa: F811
    """Opens a page of the web interface; gives it when it shows a text."""
    context = browser.new_context(viewport={"width": 1600, "height": 1200})

    def show(place):
        page = context.new_page()
        page.goto(f"{site.rest.url.rstrip('/')}/#/task-manager/{site.worker}/{place}")
        return page

    yield show
    context.close()


def test_the_web_interface_lists_the_file_and_shows_its_records(opened_page, site, name):
    page = opened_page("log-list")
    page.get_by_text(name).click()
    shown = page.locator(".view-lines")
    shown.get_by_text("plums").first.wait_for()

    assert '"kind":"run"' in shown.inner_text().replace("\xa0", " ")


def test_the_web_interface_shows_the_records_among_the_log_s_lines(opened_page):
    page = opened_page("logs")
    shown = page.locator(".view-lines")
    shown.get_by_text("INFO").first.wait_for()  # else there is nothing to be searched yet
    shown.click()
    page.keyboard.press("Control+f")
    page.keyboard.type('"kind":"run"')
    page.keyboard.press("Enter")
    shown.get_by_text('"kind":"run"').first.wait_for()
