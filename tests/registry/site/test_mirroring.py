"""Chosen packages copied from another index, with what they require."""

from __future__ import annotations

import pytest

from headrace_registry.errors import SettingsError, SiteError, TrustError
from headrace_registry.settings import Target
from headrace_registry.site import build_site, mirror, publish, serve, yank

from .conftest import assert_whole, catalogue, release, tree

pytestmark = pytest.mark.slow
LINUX, MAC = Target("3.11", "linux/amd64"), Target("3.12", "macos/arm64")


@pytest.fixture
def source(workshop, tmp_path):
    """Another registry: a skill that requires a package with a wheel for each machine."""
    folder = tmp_path / "source"
    wheels = [
        workshop.skill(more="  headrace-dependencies: acme>=1\n"),
        workshop.plain(tag="cp311-cp311-manylinux_2_17_x86_64"),
        workshop.plain(tag="cp312-cp312-macosx_11_0_arm64"),
        workshop.plain(version="2.0", metadata="Requires-Python: >=3.99\n"),
        workshop.plain("other"),
    ]
    build_site(wheels, folder, pages=False)
    return folder


def names(site):
    return sorted(path.rpartition("/")[2] for path in tree(site) if path.endswith(".whl"))


@pytest.mark.parametrize("kind", ["registry", "index", "folder"])
def test_what_is_asked_for_comes_with_what_it_requires(source, site, kind):
    with serve(source) as server:
        place = {"registry": server.url, "index": f"{server.url}/simple/", "folder": str(source)}
        done = mirror(place[kind], ["skill-greet<2"], site, targets=[LINUX])
    assert_whole(site)
    assert names(site) == [
        "acme-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        "skill_greet-1.0-py3-none-any.whl",
    ]
    assert [name for name, _, _ in done.wheels] == names(site)
    if kind != "folder":  # where only the HTML page is read, which tells no times
        (file,) = release(site, "acme", "1.0")["files"]
        assert file["uploaded"] == "2023-11-14T22:13:20Z"


def test_for_several_machines_and_without_what_is_required(source, site):
    mirror(str(source), ["acme"], site, targets=[LINUX, MAC])
    mirror(str(source), ["skill-greet"], site, targets=[LINUX], dependencies=False)
    assert names(site) == [
        "acme-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        "acme-1.0-cp312-cp312-macosx_11_0_arm64.whl",
        "skill_greet-1.0-py3-none-any.whl",
    ]


def test_a_dry_run_chooses_and_writes_nothing(source, site):
    done = mirror(str(source), ["other"], site, dry_run=True)
    assert [name for name, _, _ in done.wheels] == ["other-1.0-py3-none-any.whl"]
    assert not site.exists()


def test_what_cannot_be_chosen_is_told_and_the_site_stays(source, site):
    mirror(str(source), ["other"], site)
    before = tree(site)
    with pytest.raises(SiteError, match="nobody"):
        mirror(str(source), ["nobody"], site)
    assert tree(site) == before


@pytest.mark.parametrize("asked", ["--index-url=http://evil.example", "-r /etc/passwd", "a b"])
def test_only_requirements_are_taken(source, site, asked):
    with pytest.raises(SiteError, match="not a requirement"):
        mirror(str(source), [asked], site)


def test_no_other_index_is_asked(source, workshop, site, tmp_path, monkeypatch):
    evil = tmp_path / "evil"
    build_site([workshop.plain("other", "9.9")], evil, pages=False)
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.setenv(name, f"{evil.as_uri()}/simple/")
    monkeypatch.setenv("UV_FIND_LINKS", str(evil / "files/other"))
    mirror(str(source), ["other"], site)
    assert names(site) == ["other-1.0-py3-none-any.whl"]


def test_a_wheel_that_is_not_what_the_index_says_is_not_copied(source, site):
    wheel = source / "files/other/other-1.0-py3-none-any.whl"
    data = wheel.read_bytes()
    wheel.unlink()
    wheel.write_bytes(data.replace(b"__init__", b"__evil__"))
    with pytest.raises(TrustError, match=r"other-1\.0"):
        mirror(str(source), ["other"], site)
    assert not site.exists()


def test_a_yanked_version_is_not_chosen(source, workshop, site):
    publish(workshop.plain("other", "1.1"), source)
    yank(source, "other", "1.1")
    mirror(str(source), ["other"], site)
    assert [one["version"] for one in catalogue(site)["packages"][0]["releases"]] == ["1.0"]


@pytest.mark.parametrize("address", ["ftp://example.org", "https://user:secret@example.org"])
def test_addresses_that_are_not_taken(site, address):
    with pytest.raises((SiteError, SettingsError)) as caught:
        mirror(address, ["x"], site)
    assert "secret" not in str(caught.value)


def test_a_registry_with_a_key_must_have_signed_what_is_copied(source, site, tmp_path):
    from headrace_registry.site import sign_site
    from headrace_registry.trust import KeySigner, create_keys

    create_keys(tmp_path / "keys")
    signer = KeySigner.from_folder(tmp_path / "keys")
    sign_site(source, signer)
    mirror(source.as_uri(), ["other"], site, key=signer.fingerprint)
    assert names(site) == ["other-1.0-py3-none-any.whl"]
    with pytest.raises(TrustError):
        mirror(source.as_uri(), ["acme"], site, key=f"sha256:{'0' * 64}")
