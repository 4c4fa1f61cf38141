"""uv's derivation tree as facts; without one, its text alone."""

from __future__ import annotations

from headrace_registry.locking.derivation import PROJECT, Fact, parsed

TREE = f"""\
Using CPython 3.11.7
Resolver derivation tree before reduction
term root==0a0.dev0
  root==0a0.dev0 depends on {PROJECT}*
Resolver derivation tree after reduction
term {PROJECT}==0
  {PROJECT}==0 depends on skill-a*
  term {PROJECT}==0
  term not click<8
    skill-a<=1.0 depends on click[extra]>=3, <4 | >=5, <8
    skill-a==2.0 yanked (reason: bad)
    no versions of other>1.7
    crcmod==1.7 | ==1.8 no usable wheels
error: No solution found
  cause: Because
"""


def test_the_reduced_trees_leaves_are_the_facts():
    facts, _ = parsed(TREE)
    assert facts == (
        Fact("requires", PROJECT, "==0", "skill-a", "*"),
        Fact("requires", "skill-a", "<=1.0", "click", ">=3, <4 | >=5, <8"),
        Fact("unusable", "skill-a", "==2.0", why="yanked (reason: bad)"),
        Fact("none", "other", ">1.7"),
        Fact("unusable", "crcmod", "==1.7 | ==1.8", why="no usable wheels"),
    )


def test_the_rest_is_what_uv_said():
    assert parsed(TREE)[1] == ("Using CPython 3.11.7\nerror: No solution found\n  cause: Because\n")


def test_without_a_tree_there_are_no_facts():
    assert parsed("error: other\n") == ((), "error: other\n")
