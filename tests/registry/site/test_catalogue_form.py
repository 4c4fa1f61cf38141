"""The catalogue's file, held against pydantic: it reads and writes what that would."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from headrace_registry._reading import reader
from headrace_registry.catalogue import (
    AuditFinding,
    Catalogue,
    Package,
    Release,
    ReleaseFile,
    ReleaseSkill,
    read_catalogue,
)
from headrace_registry.errors import CatalogueError
from headrace_registry.wheels import Provided
from headrace_skills.needs import Needs

ORACLE = TypeAdapter(Catalogue)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
texts = st.lists(text, max_size=2).map(tuple)
some_needs = st.builds(Needs, texts, texts, texts, texts)
findings = st.builds(AuditFinding, text, text, text, st.integers(), text)
skills = st.builds(
    ReleaseSkill,
    *(text, text, text, text, st.integers(), st.integers(), text, text, text, texts, some_needs),
    st.lists(findings, max_size=2).map(tuple),
    text,
)
files = st.builds(ReleaseFile, text, st.integers(), text, text, text)
releases = st.builds(
    Release,
    *(text, text, text, text, texts, texts, texts),
    st.lists(st.builds(Provided, text, text, text), max_size=2).map(tuple),
    st.lists(skills, max_size=2).map(tuple),
    st.lists(files, max_size=2).map(tuple),
    st.none() | text,
)
packages = st.builds(Package, text, st.lists(releases, max_size=2).map(tuple), st.none() | text)
catalogues = st.builds(Catalogue, text, st.lists(packages, max_size=2).map(tuple), st.just(1))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=3,
)


@settings(deadline=None, max_examples=60)
@given(catalogues)
def test_what_is_written_is_what_pydantic_writes_and_comes_back(catalogue):
    data = catalogue.as_json()
    assert data == ORACLE.dump_json(catalogue) + b"\n"
    assert read_catalogue(data) == catalogue


@settings(deadline=None, max_examples=200)
@given(catalogues, values, st.randoms(use_true_random=False))
def test_what_is_no_catalogue_is_refused_for_the_reason_that_pydantic_has(catalogue, value, chance):
    data = json.loads(catalogue.as_json())
    node = data
    while True:  # somewhere in it another value, or one is gone
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if not isinstance(node[key], (dict, list)) or not node[key] or chance.random() < 0.2:
            break
        node = node[key]
    if chance.random() < 0.3:
        del node[key]
    else:
        node[key] = value
    changed = json.dumps(data).encode()
    try:
        expected = ORACLE.validate_json(changed, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        with pytest.raises(CatalogueError) as caught:
            read_catalogue(changed)
        assert ".".join(map(str, first["loc"])) in str(caught.value)
        assert first["msg"] in str(caught.value)
        return
    if expected.format > 1:
        with pytest.raises(CatalogueError, match="update headrace-registry"):
            read_catalogue(changed)
    else:
        assert read_catalogue(changed) == expected


def test_a_type_that_it_cannot_check_is_no_surprise_later():
    with pytest.raises(TypeError, match="dict"):
        reader(dict[str, int])


def test_reading_one_does_not_import_pydantic():
    code = """
import sys
from headrace_registry.catalogue import Catalogue, read_catalogue
read_catalogue(Catalogue("Ours", ()).as_json())
assert "pydantic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
