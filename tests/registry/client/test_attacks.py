"""What is done to the clients of a signed registry, and what they see.

The attacker has the server, or the way to it; the keys are the keeper's.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from headrace_registry.errors import CatalogueError, DownloadError, TrustError
from headrace_registry.trust import KeySigner, check_site

from .keeping import REPORT, TRIAGE, Keeper, sign


def _put(keeper, copy):
    """Makes a site what it was."""
    shutil.rmtree(keeper.site)
    for name, data in copy.items():
        path = keeper.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _triage(snapshot):
    return snapshot.catalogue.by_name["skill-log-triage"].releases[0].files[0]


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


# ------------------------------------------------------------------ tampered files


def test_a_tampered_wheel_is_not_taken(keeper, client, tmp_path):
    file = _triage(client.refresh())
    _flip(keeper.site / "files/skill-log-triage" / file.filename)
    with pytest.raises(TrustError, match=f"{file.filename} is not what its keeper published"):
        client.fetch("skill-log-triage", file)
    assert not list((tmp_path / "cache/wheels").rglob("*.whl"))


def test_a_wheel_that_was_cut_is_not_taken(keeper, client):
    file = _triage(client.refresh())
    path = keeper.site / "files/skill-log-triage" / file.filename
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TrustError, match="not what its keeper published"):
        client.fetch("skill-log-triage", file)


def test_a_longer_wheel_is_not_taken(keeper, client):
    file = _triage(client.refresh())
    path = keeper.site / "files/skill-log-triage" / file.filename
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(DownloadError, match=f"at most {file.size} are expected; not taken"):
        client.fetch("skill-log-triage", file)


def test_a_wheel_that_was_swapped_after_locking_is_not_taken(keeper, client, client_of, server):
    """The keeper's own new bytes under the old name: what was locked stays what it was."""
    locked = _triage(client.refresh())
    path = keeper.site / "files/skill-log-triage" / locked.filename
    path.write_bytes(path.read_bytes() + b"\0")
    keeper.publish()
    with pytest.raises(DownloadError):
        client_of(keeper.settings(server.url)).fetch("skill-log-triage", locked)


def test_a_tampered_catalogue_is_not_taken(keeper, client):
    _flip(keeper.site / "catalogue.json")
    with pytest.raises(TrustError, match=r"catalogue\.json is not what its keeper published"):
        client.refresh()


@pytest.mark.parametrize("name", ["timestamp", "snapshot", "targets", "1.root"])
def test_tampered_metadata_is_not_taken(keeper, client, name):
    path = keeper.site / f"metadata/{name}.json"
    said = json.loads(path.read_bytes())
    said["signed"]["expires"] = "2099-01-01T00:00:00Z"
    path.write_text(json.dumps(said))
    with pytest.raises(TrustError, match="main"):
        client.refresh()


@pytest.mark.parametrize("name", ["timestamp", "snapshot", "targets", "1.root"])
@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 10_000, b"\xff\xfe", b'{"signed": 1}'])
def test_metadata_that_is_none_is_an_error_of_trust(keeper, client, name, data):
    (keeper.site / f"metadata/{name}.json").write_bytes(data)
    with pytest.raises(TrustError):
        client.refresh()


@pytest.mark.parametrize("name", ["timestamp", "snapshot", "targets", "1.root"])
def test_metadata_that_is_missing_is_an_error_of_trust(keeper, client, name):
    (keeper.site / f"metadata/{name}.json").unlink()
    with pytest.raises(TrustError):
        client.refresh()


def test_a_tampered_page_is_named_when_a_site_is_checked(keeper):
    registry = keeper.settings(keeper.site.as_uri())
    assert check_site(registry, keeper.site) == []
    (keeper.site / "index.html").write_text("<h1>Theirs</h1>\n")
    (keeper.site / "extra.html").write_text("")
    assert check_site(registry, keeper.site) == [
        "index.html: is not what was signed",
        "extra.html: was not signed",
    ]
    (keeper.site / "index.html").unlink()
    assert "index.html: is missing" in check_site(registry, keeper.site)


@pytest.mark.parametrize(
    "change",
    [
        {"filename": "../../../../escaped.whl"},
        {"filename": "/tmp/escaped.whl"},
        {"sha256": "../../../../escaped" + "0" * 45},
        {"package": "../escaped"},
    ],
)
def test_a_lock_that_somebody_edited_leads_nowhere_else(keeper, client, tmp_path, change):
    """What is fetched may be from a lock, which is not signed."""
    more = dict(change)
    package = more.pop("package", "skill-log-triage")
    file = replace(_triage(client.refresh()), **more)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TrustError, match="was not fetched"):
        client.fetch(package, file)
    assert sorted(tmp_path.rglob("*")) == before


# ------------------------------------------------------------------ old and mixed states


def test_an_older_state_is_refused_by_a_client_that_saw_a_newer(keeper, client):
    old = keeper.copy()
    keeper.add("skill-log-triage", "1.1", TRIAGE)
    keeper.publish()
    client.refresh()
    _put(keeper, old)
    with pytest.raises(TrustError, match="older state than it gave before"):
        client.refresh()


def test_an_older_state_is_refused_by_a_fresh_client_with_a_lock(keeper, server, client, client_of):
    old = keeper.copy()
    keeper.add("skill-log-triage", "1.1", TRIAGE)
    keeper.publish()
    locked = client.refresh().version
    _put(keeper, old)
    fresh = client_of(keeper.settings(server.url), "another-machine")
    with pytest.raises(TrustError, match="older than what this project has seen"):
        fresh.refresh(least_version=locked)


def test_a_refused_state_is_not_in_the_cache(keeper, server, client, client_of):
    version = client.refresh().version
    fresh = client_of(keeper.settings(server.url), "another-machine")
    with pytest.raises(TrustError):
        fresh.refresh(least_version=version + 1)
    offline = client_of(keeper.settings(server.url), "another-machine", offline=True)
    with pytest.raises(DownloadError, match="not in the cache"):
        offline.refresh()


def test_what_the_lock_remembers_holds_for_a_client_with_a_cache_too(
    keeper, server, client, client_of
):
    version = client.refresh().version
    with pytest.raises(TrustError, match="older than"):
        client.refresh(least_version=version + 1)
    with pytest.raises(TrustError, match="older than"):
        client_of(keeper.settings(server.url), offline=True).refresh(least_version=version + 1)
    assert client.refresh(least_version=version).version == version


@pytest.mark.parametrize("name", ["timestamp", "snapshot", "targets"])
def test_parts_of_two_states_are_refused(keeper, server, client_of, name):
    old = keeper.copy()
    keeper.add("skill-log-triage", "1.1", TRIAGE)
    keeper.publish()
    (keeper.site / f"metadata/{name}.json").write_bytes(old[f"metadata/{name}.json"])
    with pytest.raises(TrustError, match="main"):
        client_of(keeper.settings(server.url)).refresh()


def test_what_has_ended_is_refused_and_offline_told(keeper, server, client_of):
    past = datetime.now(timezone.utc) - timedelta(days=20)
    shutil.rmtree(keeper.site / "metadata")
    keeper.publish(now=past)
    with pytest.raises(TrustError, match="has not been signed anew in time"):
        client_of(keeper.settings(server.url)).refresh()
    folder = client_of(keeper.settings(keeper.site.as_uri()), "cut-off", offline=True)
    snapshot = folder.refresh()
    assert "its timestamp ended on" in snapshot.warnings[0]
    assert "skill-log-triage" in snapshot.catalogue.by_name


def test_a_cache_that_has_ended_is_told_offline(keeper, server, client, client_of, tmp_path):
    client.refresh()
    (path,) = (tmp_path / "cache").rglob("state.json")
    state = json.loads(path.read_text())
    path.write_text(json.dumps({**state, "expires": "2026-01-02T00:00:00+00:00"}))
    snapshot = client_of(keeper.settings(server.url), offline=True).refresh()
    assert "ended on 2026-01-02" in snapshot.warnings[0]


# ------------------------------------------------------------------ keys


def test_a_registry_with_other_keys_is_refused(keeper, tmp_path, serve, client_of):
    stranger = Keeper(tmp_path / "stranger")
    server = serve(stranger.site)
    with pytest.raises(TrustError) as raised:
        client_of(keeper.settings(server.url)).refresh()
    assert keeper.key in str(raised.value)
    assert stranger.key in str(raised.value)
    assert "--replace-key" in str(raised.value)


def test_a_strangers_key_under_the_keepers_id_is_refused(keeper, tmp_path, serve, client_of):
    """The ids of keys are but names: whoever makes a root may give any."""
    stranger = Keeper(tmp_path / "stranger")
    ours = json.loads((keeper.site / "metadata/1.root.json").read_bytes())
    theirs = json.loads((stranger.site / "metadata/1.root.json").read_bytes())
    ids = dict(
        zip(
            theirs["signed"]["roles"]["root"]["keyids"],
            ours["signed"]["roles"]["root"]["keyids"],
            strict=True,
        )
    )
    text = json.dumps(theirs)
    for old, new in ids.items():
        text = text.replace(old, new)
    (stranger.site / "metadata/1.root.json").write_text(text)
    server = serve(stranger.site)
    with pytest.raises(TrustError, match="other keys than the project trusts"):
        client_of(keeper.settings(server.url)).refresh()


def test_metadata_signed_by_a_stranger_under_the_right_root_is_refused(
    keeper, tmp_path, serve, client_of
):
    stranger = Keeper(tmp_path / "stranger")
    shutil.copy(keeper.site / "metadata/1.root.json", stranger.site / "metadata/1.root.json")
    server = serve(stranger.site)
    with pytest.raises(TrustError, match="its keys did not sign"):
        client_of(keeper.settings(server.url)).refresh()


def test_a_new_root_that_the_old_did_not_sign_is_refused(keeper, tmp_path, client):
    from headrace_registry.trust import rotate

    client.refresh()
    stranger = Keeper(tmp_path / "stranger")
    rotate(stranger.keys, "root-1")
    sign(stranger.site, KeySigner.from_folder(stranger.keys))
    shutil.copy(stranger.site / "metadata/2.root.json", keeper.site / "metadata/2.root.json")
    with pytest.raises(TrustError, match="its keys did not sign"):
        client.refresh()


# ------------------------------------------------------------------ names that mislead


@pytest.mark.parametrize(
    "name",
    [
        "Skill-Log-Triage",
        "skill_log_triage",
        "skill--log-triage",
        "skill.log.triage",
        "skill-l\u043eg-triage",
        "skill-log\u2010triage",
        "\uff53kill",
        "skill-log-triage\u200b",
        "../escape",
        "",
    ],
)
def test_a_catalogue_with_a_name_that_may_be_mistaken_is_refused(keeper, client, name):
    made = keeper.packages["skill-status-report"]
    keeper.packages["x"] = replace(made, name=name)
    keeper.publish()
    with pytest.raises(CatalogueError, match="was not taken"):
        client.refresh()


@pytest.mark.parametrize(
    "change",
    [
        {"filename": "../../skill_status_report-1.0-py3-none-any.whl"},
        {"filename": "/etc/skill_status_report-1.0-py3-none-any.whl"},
        {"filename": "skill_log_triage-1.0-py3-none-any.whl"},
        {"filename": "skill_status_report-2.0-py3-none-any.whl"},
        {"filename": "skill_status_report-1.0.tar.gz"},
        {"sha256": "0" * 63},
        {"sha256": "../" + "0" * 61},
        {"metadata_sha256": ""},
        {"size": -1},
    ],
)
def test_a_catalogue_with_a_file_that_is_not_the_packages_is_refused(keeper, client, change):
    package = keeper.packages["skill-status-report"]
    release = package.releases[0]
    file = replace(release.files[0], **change)
    keeper.packages[package.name] = replace(package, releases=(replace(release, files=(file,)),))
    keeper.publish()
    with pytest.raises(CatalogueError, match="was not taken"):
        client.refresh()


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1.0.0.00"},
        {"version": "one"},
        {"requires_python": ">>3"},
        {"requires": ("a b",)},
    ],
)
def test_a_catalogue_with_a_version_or_requirement_that_is_none_is_refused(keeper, client, change):
    package = keeper.packages["skill-status-report"]
    release = replace(package.releases[0], **change)
    keeper.packages[package.name] = replace(package, releases=(release,))
    keeper.publish()
    with pytest.raises(CatalogueError, match="was not taken"):
        client.refresh()


def test_a_package_that_is_there_twice_is_refused(keeper, client):
    keeper.packages["x"] = keeper.packages["skill-status-report"]
    keeper.publish()
    with pytest.raises(CatalogueError, match="twice"):
        client.refresh()


def test_a_version_that_is_there_twice_is_refused(keeper, client):
    keeper.add("skill-status-report", "1.0", REPORT)
    keeper.publish()
    with pytest.raises(CatalogueError, match="twice"):
        client.refresh()
