"""Which package a typed name stands for."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from headrace_registry.changes import Chosen, UnknownNameError, choose


def chosen(text, catalogues, **options):
    found = choose(Requirement(text), catalogues, bound=options.pop("bound", {}), **options)
    return str(found.requirement), found.origin


def test_a_package_is_found_by_its_name_however_that_is_written(catalogue):
    main = {"main": catalogue(skill_log_triage=["log-triage"])}
    assert chosen("Skill_Log.Triage>=1.2", main) == ("skill-log-triage>=1.2", "main")


def test_a_skills_name_stands_for_its_package_and_keeps_what_is_asked_of_it(catalogue):
    main = {"main": catalogue(skill_log_triage=["log-triage"])}
    assert chosen("log-triage>=1.2,<2", main) == ("skill-log-triage<2,>=1.2", "main")


def test_a_packages_own_name_comes_before_a_skill_of_another(catalogue):
    main = {"main": catalogue(triage=["other"], impostor=["triage"])}
    assert chosen("triage", main) == ("triage", "main")


def test_a_skill_of_two_packages_is_not_guessed(catalogue):
    main = {"main": catalogue(first=["triage"], second=["triage"])}
    with pytest.raises(UnknownNameError, match=r"(?s)first.*second"):
        chosen("triage", main)


def test_a_package_of_two_registries_is_not_guessed(catalogue):
    both = {"ours": catalogue(triage=["a"]), "theirs": catalogue(triage=["a"])}
    with pytest.raises(UnknownNameError, match=r'triage = "ours"'):
        chosen("triage", both)


def test_a_name_is_taken_from_the_registry_that_it_is_bound_to(catalogue):
    both = {"ours": catalogue(triage=["a"]), "theirs": catalogue(triage=["a"])}
    assert chosen("triage", both, bound={"triage": "theirs"}) == ("triage", "theirs")


def test_a_bound_name_is_not_taken_from_elsewhere_when_it_is_gone(catalogue):
    both = {"ours": catalogue(), "theirs": catalogue(triage=["a"])}
    with pytest.raises(UnknownNameError, match="bound to the registry ours"):
        chosen("triage", both, bound={"triage": "ours"})


def test_a_reserved_name_is_refused_with_its_reason(catalogue):
    with pytest.raises(UnknownNameError, match="kept for the owner"):
        chosen("triage", {"main": catalogue(triage=None)})


def test_a_reserved_name_beside_a_package_of_it_is_not_guessed(catalogue):
    with pytest.raises(UnknownNameError, match="several registries"):
        chosen("triage", {"ours": catalogue(triage=None), "theirs": catalogue(triage=["a"])})


def test_what_no_registry_has_comes_from_the_index_only_when_asked(catalogue):
    main = {"main": catalogue(triage=["a"])}
    with pytest.raises(UnknownNameError, match="--index"):
        chosen("httpx", main)
    assert chosen("httpx", main, from_index=True) == ("httpx", "index")


def test_what_a_registry_has_is_not_taken_from_the_index_even_when_asked(catalogue):
    main = {"main": catalogue(triage=["a"])}
    assert chosen("triage", main, from_index=True) == ("triage", "main")


def test_an_unknown_name_is_told_with_the_nearest(catalogue):
    with pytest.raises(UnknownNameError, match=r"did you mean: log-triage"):
        chosen("log-trigae", {"main": catalogue(skill_log_triage=["log-triage"])})


def test_without_a_registry_it_is_said_how_to_add_one():
    with pytest.raises(UnknownNameError, match="agents registry add"):
        chosen("triage", {})


def test_the_values_are_equal_by_content():
    assert Chosen(Requirement("a>=1"), "main") == Chosen(Requirement("a>=1"), "main")
