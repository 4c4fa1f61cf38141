"""TOML as locks, projects and other tools write it."""

from __future__ import annotations

import pytest

from headrace_registry.toml import parse_toml


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
def test_a_document_is_read(mark):
    assert parse_toml(f'{mark}[tool]\nnames = ["a", "b"]\n') == {"tool": {"names": ["a", "b"]}}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a = ", id="cut short"),
        pytest.param("a = 1\na = 2\n", id="said twice"),
        pytest.param("a = " + "[" * 100_000, id="nested too deeply"),
    ],
)
def test_what_is_no_toml_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_toml(text)
