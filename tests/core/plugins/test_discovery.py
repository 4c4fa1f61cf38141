"""What is found, by metadata alone."""

from __future__ import annotations

import sys
import zipfile

import pytest

from headrace.plugins import Kind, UnknownKindError, discover


def only(path):
    (listed,) = discover(path=path).list()
    return listed.plugin


@pytest.mark.parametrize("kind", list(Kind), ids=str)
def test_each_kind_has_its_group(site, kind):
    site.install("acme", points={f"headrace.{kind}": {"one": "a:b"}})
    assert only(site.path).kind is kind


def test_a_plugin_names_its_distribution_normalised(site):
    site.tool("Acme.Hand_Tools")
    assert only(site.path).distribution == "acme-hand-tools"


def test_a_plugin_has_the_version_of_its_metadata(site):
    site.tool("acme", version="2.0rc1")
    assert only(site.path).version == "2.0rc1"


def test_a_plugin_has_its_entry_points_value(site):
    site.install("acme", points={"headrace.tools": {"x": "pkg.mod:attr.sub"}})
    assert only(site.path).value == "pkg.mod:attr.sub"


def test_a_plugin_knows_the_folder_that_it_comes_from(site):
    info = site.tool("acme")
    assert only(site.path).origin == str(info)


@pytest.mark.parametrize("editable", [True, False])
def test_direct_url_tells_an_editable_install(site, editable):
    site.tool("acme", editable=editable)
    assert only(site.path).editable is editable


def test_a_malformed_direct_url_is_no_editable_install(site):
    (site.tool("acme") / "direct_url.json").write_text('["dir_info"')
    assert not only(site.path).editable


def test_groups_of_others_are_passed_over(site):
    site.install(
        "acme", points={"console_scripts": {"a": "b:c"}, "headrace.unheard_of": {"a": "b"}}
    )
    assert len(discover(path=site.path)) == 0


def test_a_module_without_an_attribute_is_a_plugin(site):
    site.install("acme", points={"headrace.skills": {"triage": "acme_skills.triage"}})
    assert only(site.path).value == "acme_skills.triage"


def test_comments_and_blank_lines_are_passed_over(site):
    site.install("acme", points="# one\n; two\n\n[headrace.tools]\n# three\nx = a:b\n")
    assert only(site.path).name == "x"


def test_names_keep_their_case(site):
    site.install("acme", points={"headrace.tools": {"GetWeather": "a:b"}})
    assert discover(path=site.path).get("tools", "GetWeather").name == "GetWeather"


def test_of_one_distribution_twice_on_the_path_the_first_counts(site, other_site):
    site.tool("acme-tools", version="1.0")
    other_site.tool("acme.tools", version="2.0")
    assert only(site.path + other_site.path).version == "1.0"


def test_a_distribution_without_plugins_hides_its_namesake(site, other_site):
    site.install("acme", "1.0")
    other_site.tool("acme", version="2.0")
    assert len(discover(path=site.path + other_site.path)) == 0


def test_what_a_removal_left_behind_hides_nothing(site, other_site):
    (site.folder / "acme-1.0.dist-info").mkdir()
    other_site.tool("acme", version="2.0")
    assert only(site.path + other_site.path).version == "2.0"


def test_what_pip_sets_aside_is_not_a_distribution(site):
    site.tool("acme").rename(site.folder / "~cme-1.0.dist-info")
    assert len(discover(path=site.path)) == 0


def test_old_folder_names_with_hyphens_are_kept_apart(site):
    site.tool("acme-one", "a").rename(site.folder / "acme-one-1.0.dist-info")
    site.tool("acme-two", "b").rename(site.folder / "acme-two-1.0.dist-info")
    assert len(discover(path=site.path)) == 2


def test_one_folder_twice_on_the_path_is_one(site):
    site.tool("acme")
    assert len(discover(path=site.path * 2)) == 1


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert len(discover(path=[str(tmp_path / "nowhere")])) == 0


def test_egg_info_of_a_source_folder_is_read(site):
    info = site.folder / "acme.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Name: acme\nVersion: 3\n\n")
    (info / "requires.txt").write_text("headrace-core>=0.1\n")
    (info / "entry_points.txt").write_text("[headrace.tools]\nx = a:b\n")
    assert only(site.path).requires_core == ">=0.1"


def test_a_zip_on_the_path_is_looked_into(site, tmp_path):
    info = site.tool("acme")
    archive = tmp_path / "plugins.zip"
    with zipfile.ZipFile(archive, "w") as written:
        for file in info.iterdir():
            written.write(file, f"{info.name}/{file.name}")
    assert only([str(archive)]).origin == f"{archive}/{info.name}"


def test_a_file_that_is_no_zip_holds_nothing(tmp_path):
    (tmp_path / "odd").write_text("not a zip")
    assert len(discover(path=[str(tmp_path / "odd")])) == 0


def test_without_a_path_sys_path_is_searched(site, monkeypatch):
    site.tool("acme", "a-name-of-this-test")
    monkeypatch.setattr(sys, "path", [*sys.path, *site.path])
    assert discover().get("tools", "a-name-of-this-test").distribution == "acme"


def test_one_text_for_a_path_is_refused(site):
    with pytest.raises(TypeError, match="list of folders"):
        discover(path=str(site.folder))


def test_no_plugin_is_imported(site, monkeypatch):
    site.install(
        "acme",
        points={"headrace.tools": {"x": "acme_never_imported:x"}},
        modules={"acme_never_imported": "raise SystemExit"},
    )
    monkeypatch.syspath_prepend(str(site.folder))
    discover(path=site.path).list()
    assert "acme_never_imported" not in sys.modules


def test_a_listing_is_in_the_order_of_kind_name_and_distribution(site):
    site.install("b", points={"headrace.tools": {"z": "a:b", "y": "a:b"}})
    site.install("a", points={"headrace.tools": {"z": "a:b"}, "headrace.memory": {"z": "a:b"}})
    listed = [(one.plugin.key, one.plugin.distribution) for one in discover(path=site.path).list()]
    assert listed == [("memory.z", "a"), ("tools.y", "b"), ("tools.z", "a"), ("tools.z", "b")]


def test_a_listing_can_be_of_one_kind(site):
    site.install("a", points={"headrace.tools": {"z": "a:b"}, "headrace.memory": {"y": "a:b"}})
    assert [one.plugin.name for one in discover(path=site.path).list("memory")] == ["y"]


def test_a_kind_that_there_is_not_is_named_with_the_nearest(site):
    with pytest.raises(UnknownKindError, match="did you mean 'chat_models'"):
        discover(path=site.path).list("chat_model")
