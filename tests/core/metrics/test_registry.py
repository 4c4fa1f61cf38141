"""The registry, and its text as Prometheus' own parser reads it."""

from __future__ import annotations

import logging
import math

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from headrace.errors import HeadraceError
from headrace.metrics import CONTENT_TYPE, TABLE, Endpoint, Metrics, as_text


def parsed(metrics):
    """The samples by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(as_text(metrics))
        for sample in family.samples
    }


class TestSeries:
    def test_a_series_keeps_its_number(self):
        metrics = Metrics()
        family = metrics.family("made_total", "counter", ("of",))
        family.cell("a").number += 2
        family.cell("a").number += 1
        assert metrics.value("made_total", of="a") == 3

    def test_the_number_of_a_name_is_that_of_all_its_series(self):
        metrics = Metrics()
        family = metrics.family("made_total", "counter", ("of", "by"))
        family.cell("a", "x").number = 2
        family.cell("b", "x").number = 3
        family.cell("b", "y").number = 5
        assert [metrics.value("made_total", by="x"), metrics.value("made_total")] == [5, 10]

    def test_a_name_that_is_of_another_kind_is_refused(self):
        metrics = Metrics()
        metrics.family("made", "counter")
        with pytest.raises(ValueError, match="made is a counter"):
            metrics.family("made", "gauge")

    def test_a_name_that_has_other_labels_is_refused(self):
        metrics = Metrics()
        metrics.family("made", "counter", ("of",))
        with pytest.raises(ValueError, match="labels \\['of'\\]"):
            metrics.family("made", "counter", ("by",))

    def test_series_beyond_the_limit_are_counted_together(self):
        metrics = Metrics(series=3)
        family = metrics.family("made_total", "counter", ("of",))
        for number in range(1000):
            family.cell(str(number)).number += 1
        assert len(family.series()) <= 4
        assert metrics.value("made_total", of="other") == 997

    def test_the_limit_is_told_once(self, caplog):
        family = Metrics(series=1).family("made_total", "counter", ("of",))
        with caplog.at_level(logging.WARNING, "headrace.metrics"):
            for number in range(10):
                family.cell(str(number))
        assert [record.getMessage().split(":")[0] for record in caplog.records] == [
            "the metric made_total has more than 1 series"
        ]

    def test_long_labels_are_cut(self):
        family = Metrics().family("made_total", "counter", ("of",))
        family.cell("x" * 5000).number += 1
        [(values, _)] = family.series()
        assert len(values[0]) == 120

    def test_a_gauge_that_cannot_be_asked_is_no_number(self):
        family = Metrics().family("made", "gauge")
        family.cell().function = lambda: 1 / 0
        assert math.isnan(family.cell().value)


class TestText:
    def test_every_metric_of_the_table_is_read_by_prometheus(self):
        metrics = Metrics()
        for spec in TABLE.values():
            family = spec.of(metrics)
            values = ["x"] * len(spec.labels)
            if spec.kind == "histogram":
                family.buckets(*values).observe(0.2)
            else:
                family.cell(*values).number = 1
        families = list(text_string_to_metric_families(as_text(metrics)))
        kinds = {"meter": "counter"}
        assert {
            # The parser's counters have no _total, its samples do.
            (one.name, one.type)
            for one in families
        } == {
            (
                name.removesuffix("_total"),
                kinds.get(spec.kind, spec.kind),
            )
            for name, spec in TABLE.items()
        }
        assert all(family.documentation for family in families)

    def test_the_buckets_of_a_histogram_add_up(self):
        metrics = Metrics()
        cell = metrics.family("size", "histogram", bounds=(1, 2.5)).buckets()
        for value in (0.5, 1, 2, 100):
            cell.observe(value)
        assert parsed(metrics) == {
            ("size_bucket", ("le", "1")): 2,
            ("size_bucket", ("le", "2.5")): 3,
            ("size_bucket", ("le", "+Inf")): 4,
            ("size_sum",): 103.5,
            ("size_count",): 4,
        }

    @given(st.text(max_size=60), st.floats(allow_nan=False))
    def test_any_label_and_any_number_are_read_as_they_were_given(self, label, number):
        metrics = Metrics()
        metrics.family("made", "gauge", ("of",)).cell(label).number = number
        shown = label.encode(errors="backslashreplace").decode()
        assert parsed(metrics) == {("made", ("of", shown)): number}

    def test_families_without_series_are_left_out(self):
        metrics = Metrics()
        metrics.family("made", "gauge", ("of",))
        assert as_text(metrics) == ""


class TestEndpoint:
    def test_it_serves_what_there_is_when_it_is_asked(self):
        metrics = Metrics()
        cell = metrics.family("made_total", "counter").cell()
        with Endpoint(metrics, "127.0.0.1", 0) as endpoint:
            for number in (1, 2):
                cell.number = number
                answer = httpx.get(endpoint.address, trust_env=False)
                assert answer.headers["Content-Type"] == CONTENT_TYPE
                assert answer.text == f"# TYPE made_total counter\nmade_total {number}\n"

    def test_other_paths_are_not_there(self):
        with Endpoint(Metrics(), "127.0.0.1", 0) as endpoint:
            answer = httpx.get(f"{endpoint.address}/other", trust_env=False)
        assert answer.status_code == 404

    def test_a_port_that_is_taken_is_said(self):
        with (
            Endpoint(Metrics(), "127.0.0.1", 0) as endpoint,
            pytest.raises(HeadraceError, match=f"127.0.0.1:{endpoint.port}.*\n  next: another"),
        ):
            Endpoint(Metrics(), "127.0.0.1", endpoint.port)
