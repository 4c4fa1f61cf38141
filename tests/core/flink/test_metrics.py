"""Metrics on Flink, as its REST API shows them of a job that runs."""

from __future__ import annotations

import re
import socket
import time
from urllib.parse import quote

import pytest

pytest.importorskip("pyflink")
pytest.importorskip("httpx")  # the environments of other releases of Flink lack it

import httpx
from flink_jobs import Job
from metric_agents import Shop

from headrace.flink._metrics import quantile

pytestmark = [
    pytest.mark.flink,
    pytest.mark.slow,
    pytest.mark.usefixtures("java"),
    # A job that is cancelled closes the connection that PyFlink's own threads read from.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


def by_region(value):
    return value["region"]


def orders(first, last, **more):
    return [{"region": "eu" if n % 2 else "us", "n": n, **more} for n in range(first, last)]


class Shown:
    """What the REST API says of a job's metrics."""

    def __init__(self, port):
        self._address = f"http://127.0.0.1:{port}"

    def _get(self, path):
        return httpx.get(f"{self._address}{path}", trust_env=False).json()

    def metrics(self):
        """Those of headrace, by the name behind it."""
        found = {}
        for job in self._get("/jobs")["jobs"]:
            for vertex in self._get(f"/jobs/{job['id']}")["vertices"]:
                path = f"/jobs/{job['id']}/vertices/{vertex['id']}/metrics"
                names = [one["id"] for one in self._get(path) if ".headrace." in one["id"]]
                if names:
                    for one in self._get(f"{path}?get={quote(','.join(names))}"):
                        name = re.sub(r"^.*\.headrace\.", "", one["id"])
                        found[name] = float(one["value"])
        return found

    def until(self, name, value, seconds=60):
        """All of them, once one has a value."""
        deadline = time.monotonic() + seconds
        while (found := self.metrics()).get(name) != value:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        return found


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A job's metrics after some inputs, and after some more."""
    folder = tmp_path_factory.mktemp("metrics")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    job = Job(folder)
    client = job.start(
        Shop(),
        key=by_region,
        options={
            "rest.address": "127.0.0.1",
            "rest.port": str(port),
            "rest.bind-port": str(port),
            "local.start-webserver": "true",
            "metrics.fetcher.update-interval": "200",
            "headrace.metrics.interval": "0.2",
        },
    )
    try:
        job.feed("first", orders(0, 10))
        job.await_outputs(lambda found: len(found) >= 10)
        rest = Shown(port)
        first = rest.until("agent.Shop.outcome.finished.runs_total", 10)
        job.feed("second", [*orders(10, 20), {"region": "no", "n": 1, "do": "never"}])
        job.await_outputs(lambda found: len(found) >= 20)
        rest.until("agent.Shop.outcome.finished.runs_total", 20)
        second = rest.until("agent.Shop.outcome.dead_letter.runs_total", 1)
    finally:
        client.cancel().result()
    return first, second


class TestShown:
    def test_runs_are_counted_on_and_on(self, shown):
        name = "agent.Shop.outcome.finished.runs_total"
        assert [one[name] for one in shown] == [10, 20]

    def test_attempts_retries_and_calls_have_their_action(self, shown):
        action = "agent.Shop.action.sell"
        assert shown[1][f"{action}.outcome.finished.actions_total"] == 20
        assert shown[1][f"{action}.outcome.failed.actions_total"] == 2
        assert shown[1][f"{action}.action_retries_total"] == 1
        finished = f"{action}.call.metric_agents_price.outcome.finished.calls_total"
        assert shown[1][finished] == 21

    def test_latency_has_a_count_and_quantiles_in_milliseconds(self, shown):
        run = {name: value for name, value in shown[1].items() if ".run_ms" in name}
        assert run["agent.Shop.run_ms_count"] == 21
        assert 0 <= run["agent.Shop.run_ms_p50"] <= run["agent.Shop.run_ms_p95"]
        assert run["agent.Shop.run_ms_p95"] <= run["agent.Shop.run_ms_p99"] <= 300_000

    def test_a_rate_is_shown_beside_a_count(self, shown):
        assert shown[1]["agent.Shop.outputs_total"] == 20
        assert shown[1]["agent.Shop.outputs_per_second"] >= 0

    def test_what_is_under_way_is_a_gauge(self, shown):
        for name in ("in_flight", "held", "queued", "effects_waiting"):
            assert shown[1][f"agent.Shop.{name}"] == 0

    def test_the_authors_counter_and_meter_count_what_finished(self, shown):
        first, second = shown
        assert [one["agent.Shop.region.eu.orders_total"] for one in shown] == [5, 10]
        assert [one["agent.Shop.clicks_total"] for one in shown] == [30, 60]
        assert "agent.Shop.region.no.orders_total" not in second
        assert "agent.Shop.clicks_per_second" in first

    def test_the_authors_histogram_is_a_count_a_sum_and_quantiles(self, shown):
        assert shown[1]["agent.Shop.basket_count"] == 20
        assert shown[1]["agent.Shop.basket_sum"] == sum(range(20))
        assert shown[1]["agent.Shop.basket_p99"] == 10

    def test_the_authors_gauge_is_what_was_set_last(self, shown):
        assert shown[1]["agent.Shop.stock"] in {18, 19}


@pytest.mark.parametrize(
    ("counts", "part", "value"),
    [([10, 0, 0], 0.5, 0.5), ([0, 10, 0], 0.5, 1.5), ([5, 5, 0], 0.99, 1.98), ([0, 0, 3], 0.5, 2)],
)
def test_a_quantile_lies_within_its_bucket(counts, part, value):
    assert quantile(counts, (1, 2), part) == pytest.approx(value)
