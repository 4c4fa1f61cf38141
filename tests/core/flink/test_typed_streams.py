"""Keyed streams, and one model for the types of a stream and of a table."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Literal

import pytest
from pydantic import BaseModel

pyflink = pytest.importorskip("pyflink")

from flink_jobs import committed, sink  # noqa: E402
from pyflink.common import Row, Types  # noqa: E402
from typed_agents import Adding, Total  # noqa: E402

from headrace import HeadraceError  # noqa: E402
from headrace.flink import environment, process, process_table  # noqa: E402
from headrace.flink._types import row_type  # noqa: E402

pytestmark = [
    pytest.mark.flink,
    pytest.mark.slow,
    pytest.mark.smoke,
    pytest.mark.usefixtures("java"),
]


@pytest.fixture
def env():
    made = environment({"restart-strategy.type": "disable"})
    made.set_parallelism(1)
    return made


def orders(env):
    line = Types.ROW_NAMED(["article", "count"], [Types.STRING(), Types.INT()])
    kind = Types.ROW_NAMED(
        ["user", "amount", "lines"], [Types.STRING(), Types.DOUBLE(), Types.LIST(line)]
    )
    return env.from_collection(["ann 4 a", "bob 20", "ann 5"], Types.STRING()).map(as_row, kind)


def as_row(text):
    user, amount, *articles = text.split()
    return Row(user, float(amount), [Row(article, 2) for article in articles])


def user_of(row):
    return row["user"]


def first_of(row):
    return row[0]


def as_line(row):
    return json.dumps(row.as_dict(recursive=True))


def test_a_keyed_stream_needs_no_key_and_is_shuffled_once(env, tmp_path):
    keyed = orders(env).key_by(first_of, Types.STRING())

    streams = process(keyed, Adding(), output=Total)
    sink(streams.output.map(as_line, Types.STRING()), tmp_path)
    plan = json.loads(env.get_execution_plan())
    env.execute()

    ways = [one["ship_strategy"] for node in plan["nodes"] for one in node.get("predecessors", ())]
    assert ways.count("HASH") == 1
    found = [(row["user"], row["total"]) for row in committed(tmp_path)]
    assert sorted(found) == [("ann", 4.0), ("ann", 9.0), ("bob", 20.0)]


def test_one_model_is_the_type_of_the_stream_and_the_schema_of_the_table(env, tmp_path):
    from pyflink.table import StreamTableEnvironment

    tables = StreamTableEnvironment.create(env)
    streams = process(orders(env), Adding(), key=user_of, output=Total)
    table = tables.from_data_stream(streams.output)

    assert table.get_schema().get_field_names() == list(Total.model_fields)
    large = table.filter(table.large).select(table.user, table.total)
    sink(tables.to_data_stream(large).map(as_line, Types.STRING()), tmp_path)
    env.execute()
    assert committed(tmp_path) == [{"user": "bob", "total": 20.0}]


def test_a_table_comes_out_by_a_model(env, tmp_path):
    from pyflink.table import StreamTableEnvironment

    tables = StreamTableEnvironment.create(env)
    given = tables.from_data_stream(orders(env))

    made = process_table(tables, given, Adding(), key="user", output=Total)

    sink(tables.to_data_stream(made).map(as_line, Types.STRING()), tmp_path)
    env.execute()
    first = next(row for row in committed(tmp_path) if row["user"] == "ann")
    assert (first["total"], first["note"], first["counts"]) == (4.0, None, {"a": 2})


class Wide(BaseModel):
    kind: Literal["a", "b"]
    price: Decimal
    at: datetime
    inner: list[Total] | None


class Wrong(BaseModel):
    any: object
    data: bytes


def test_fields_of_all_kinds_have_a_type():
    names = row_type(Wide).get_field_names()

    assert names == ["kind", "price", "at", "inner"]


def test_fields_that_no_column_holds_are_named_all_at_once():
    with pytest.raises(HeadraceError, match=r"(?s)Wrong\.any.*Wrong\.data"):
        row_type(Wrong)


def test_a_stream_without_keys_is_refused_with_what_to_do(env):
    with pytest.raises(HeadraceError, match="key="):
        process(orders(env), Adding(), output=Total)


def test_a_model_beside_a_type_is_refused(env):
    with pytest.raises(HeadraceError, match="output_type"):
        process(orders(env), Adding(), key=user_of, output=Total, output_type=Types.STRING())
