"""The strict verdict is the reference validator's, but for differences that have a name."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_skills.checking import check_skill

from .differences import DIFFERENCES
from .documents import damaged, documents, named_documents
from .wild import KINDS

skills_ref = pytest.importorskip("skills_ref")  # it needs Python 3.11

ROOT = Path(__file__).parents[3]


def verdict_of_reference(folder: Path) -> bool | str:
    try:
        return not skills_ref.validate(folder)
    except Exception as error:  # noqa: BLE001 - it crashes, with anything
        return type(error).__name__


@pytest.fixture(scope="module")
def hold(tmp_path_factory):
    """Hold our verdict on a SKILL.md against the reference's."""
    base = tmp_path_factory.mktemp("skills")

    def compare(folder: str, data: bytes) -> None:
        root = base / folder
        root.mkdir(exist_ok=True)
        (root / "SKILL.md").write_bytes(data)
        report = check_skill(root)
        reference = verdict_of_reference(root)
        if report.valid != reference:
            applying = [one.name for one in DIFFERENCES if one.applies(data)]
            told = [(one.rule, one.message) for one in report.faults if one.level == "error"]
            assert applying, f"ours {report.valid} {told}, the reference's {reference}: {data!r}"

    return compare


@pytest.mark.slow
@settings(max_examples=700, deadline=None)
@given(document=named_documents())
def test_generated_documents(hold, document):
    hold(*document)


@pytest.mark.slow
@settings(max_examples=700, deadline=None)
@given(data=damaged(documents()))
def test_damaged_documents(hold, data):
    hold("pdf-forms", data)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(data=damaged(st.sampled_from([kind.data for kind in KINDS])))
def test_damaged_skills_of_the_wild(hold, data):
    hold("pdf-forms", data)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_skills_as_the_wild_has_them(tmp_path, kind):
    root = tmp_path / "pdf-forms"
    root.mkdir()
    (root / "SKILL.md").write_bytes(kind.data)
    report = check_skill(root)
    assert report.valid == verdict_of_reference(root) == kind.valid
    assert report.loads == kind.loads


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.name)
def test_a_difference_is_one(tmp_path, difference):
    root = tmp_path / "pdf-forms"
    root.mkdir()
    (root / "SKILL.md").write_bytes(difference.example)
    assert verdict_of_reference(root) == difference.reference
    assert check_skill(root).valid == difference.valid != difference.reference
    assert [one.name for one in DIFFERENCES if one.applies(difference.example)] == [difference.name]


def test_a_folder_or_a_link_for_a_file_differ_too(tmp_path):
    """The reference crashes on the first, and follows the second anywhere."""
    (tmp_path / "one" / "SKILL.md").mkdir(parents=True)
    assert verdict_of_reference(tmp_path / "one") == "IsADirectoryError"
    assert not check_skill(tmp_path / "one").valid
    (tmp_path / "elsewhere.md").write_text("---\nname: two\ndescription: d\n---\n")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "SKILL.md").symlink_to(tmp_path / "elsewhere.md")
    assert verdict_of_reference(tmp_path / "two") is True
    assert not check_skill(tmp_path / "two").valid


def real_skills() -> list[Path]:
    """The skills of this repository, and those of installed packages."""
    found = [
        path.parent
        for top in ("examples", "plugins", "docs")
        for path in (ROOT / top).rglob("SKILL.md")
    ]
    for distribution in importlib.metadata.distributions():
        for file in distribution.files or ():
            if file.name == "SKILL.md" and ".agents" in file.parts:
                found.append(Path(str(distribution.locate_file(file))).parent)  # noqa: PERF401
    return found


@pytest.mark.parametrize("folder", real_skills(), ids=lambda path: path.name)
def test_real_skills(folder):
    assert check_skill(folder).valid == verdict_of_reference(folder)


def test_there_are_real_skills():
    assert "flink-triage" in {folder.name for folder in real_skills()}
