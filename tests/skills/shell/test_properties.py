"""What holds of every command: a verdict or the typed error, and bash starts what was foreseen."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from headrace_skills.shell import ShellRefusedError, ShellRules, check_command
from headrace_skills.shell._checking import check_tree
from headrace_skills.shell._parser import parse

from .cases import ALLOWED
from .hostile import compose, nodes_of, script, spoil, tear
from .machine import explained

RULES = ShellRules()
SOURCES = [text.encode() for text in ALLOWED]
SLOW = settings(
    deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


def verdict(text):
    try:
        return check_command(text, RULES)
    except ShellRefusedError:
        return None


@pytest.fixture(scope="module")
def trees():
    return [json.dumps(parse(source, 5)) for source in SOURCES]


@pytest.mark.slow
@given(st.integers(0, 2**32))
@settings(SLOW, max_examples=1000)
def test_whatever_is_allowed_starts_only_what_was_foreseen(machine, seed):
    random = Random(seed)
    text = tear(random, compose(random))
    checked = verdict(text)
    if checked is not None and machine.agrees(checked):
        assert machine.started(text) <= explained(checked.programs), text


@pytest.mark.slow
@given(st.integers(0, 2**32))
@settings(SLOW, max_examples=600)
def test_a_script_that_is_allowed_starts_nothing_and_writes_nothing(machine, seed):
    tool, text = script(Random(seed))
    command = f"{tool} {shlex.quote(text)} a.txt"
    checked = verdict(command)
    if checked is not None:
        assert machine.started(command) == {tool}, text
        assert machine.left == {"a.txt", "b.txt", "data.csv", "data.json", "sub"}, text


@given(st.text(max_size=200))
@example("\ud800")
@example("\0")
@settings(SLOW, max_examples=500)
def test_any_text_has_a_verdict(text):
    verdict(text)


@given(st.text(st.sampled_from("\"'`$(){}[]<>|&;#!~*?=\\\n\t -aE1xé:@%^,/"), max_size=40))
@settings(SLOW, max_examples=500)
def test_any_syntax_has_a_verdict(text):
    verdict(text)


@pytest.mark.slow
@given(st.integers(0, 2**32))
@settings(SLOW, max_examples=3000)
def test_any_tree_has_a_verdict(trees, seed):
    """A parser of another version, or one that was led astray, can do no more than be refused."""
    random = Random(seed)
    index = random.randrange(len(trees))
    tree = json.loads(trees[index])
    spoil(random, tree, nodes_of(json.loads(random.choice(trees))))
    with suppress(ShellRefusedError):
        check_tree(json.loads(json.dumps(tree)), SOURCES[index], RULES)
