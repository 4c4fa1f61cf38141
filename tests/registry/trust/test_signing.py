"""Signing a site: what is written, what stays, and what is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import datetime, timedelta, timezone

import pytest

from headrace_registry.errors import SiteError, TrustError
from headrace_registry.trust import KeySigner, check_site, create_keys, rotate, verify

from .conftest import sign

NOW = datetime.now(timezone.utc)
LISTS = ["metadata/targets.json", "metadata/snapshot.json", "metadata/timestamp.json"]


def _days(number):
    return NOW + timedelta(days=number)


def test_every_file_of_a_site_is_signed(ours):
    ours.sign()
    targets = json.loads((ours.site / "metadata/targets.json").read_bytes())["signed"]["targets"]
    digest = hashlib.sha256(b"wheel").hexdigest()
    assert targets["files/a.whl"] == {"hashes": {"sha256": digest}, "length": 5}
    assert set(targets) == {"catalogue.json", "files/a.whl"}
    assert check_site(ours.registry, ours.site) == []


def test_the_order_of_writing_lets_clients_read_meanwhile(ours):
    """What names a file is written after it."""
    assert ours.sign() == ["metadata/1.root.json", *LISTS]


def test_signing_again_at_once_writes_nothing(ours):
    ours.sign(now=NOW)
    assert ours.sign(now=_days(1)) == []


def test_a_new_file_is_signed_and_the_version_grows(ours):
    ours.sign(now=NOW)
    first = _version(ours, "targets")
    (ours.site / "files/b.whl").write_bytes(b"more")
    assert ours.sign(now=NOW) == LISTS
    assert _version(ours, "targets") == first + 1


def test_what_has_lived_half_its_life_is_signed_anew(ours):
    ours.sign(now=NOW)
    assert ours.sign(now=_days(8)) == ["metadata/timestamp.json"]
    assert ours.sign(now=_days(46)) == LISTS


def test_the_same_site_and_moment_give_the_same_bytes(ours, tmp_path):
    shutil.copytree(ours.site, tmp_path / "copy")
    ours.sign(now=NOW)
    sign(tmp_path / "copy", KeySigner.from_folder(ours.keys), now=NOW)
    for name in LISTS:
        assert (ours.site / name).read_bytes() == (tmp_path / "copy" / name).read_bytes()


def test_a_site_that_is_built_anew_is_newer_than_the_one_it_replaces(ours, tmp_path):
    """Clients that saw the old one take it, although nothing of that is there to count from."""
    ours.sign(now=NOW - timedelta(minutes=1))
    ours.client(tmp_path / "cache")
    shutil.rmtree(ours.site / "metadata")
    (ours.site / "files/b.whl").write_bytes(b"more")
    ours.sign(now=NOW)
    assert "files/b.whl" in ours.client(tmp_path / "cache").files


def test_every_root_is_served_for_ever(ours, tmp_path):
    ours.sign()
    rotate(ours.keys, "root-1")
    rotate(ours.keys, "online")
    shutil.rmtree(ours.site / "metadata")
    ours.sign()
    names = {path.name for path in (ours.site / "metadata").glob("*.root.json")}
    assert names == {"1.root.json", "2.root.json", "3.root.json"}
    assert ours.client(tmp_path / "cache").root_version == 3


def test_the_keys_of_another_registry_do_not_sign(ours, tmp_path):
    ours.sign()
    create_keys(tmp_path / "other")
    with pytest.raises(SiteError, match="signed with other keys"):
        sign(ours.site, KeySigner.from_folder(tmp_path / "other"))


def test_keys_that_are_older_than_the_site_do_not_sign(ours, tmp_path):
    shutil.copytree(ours.keys, tmp_path / "old-keys")
    rotate(ours.keys, "root-1")
    ours.sign()
    with pytest.raises(SiteError, match="newer root"):
        sign(ours.site, KeySigner.from_folder(tmp_path / "old-keys"))


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("change", ["garbage", "version"])
def test_what_somebody_else_wrote_is_not_built_upon(ours, name, change):
    ours.sign()
    path = ours.site / name
    said = json.loads(path.read_bytes())
    said["signed"]["version"] = 2**60
    path.write_text("garbage" if change == "garbage" else json.dumps(said))
    with pytest.raises(SiteError, match=path.name):
        ours.sign()


def test_a_root_that_has_ended_signs_nothing(ours):
    with pytest.raises(SiteError, match="root of trust has ended"):
        ours.sign(now=_days(366))


# ------------------------------------------------------------------ without a clock


def _read(ours):
    from headrace_registry.http import MissingError

    def read(name):
        try:
            return (ours.site / "metadata" / name).read_bytes()
        except FileNotFoundError:
            raise MissingError(name) from None

    return read


def test_a_copy_is_verified_after_its_end_and_that_is_told(ours):
    ours.sign(now=NOW)
    assert verify(ours.registry, _read(ours), now=_days(1)).ended == ""
    found = verify(ours.registry, _read(ours), now=_days(20))
    assert found.ended == "timestamp"
    assert set(found.files) == {"catalogue.json", "files/a.whl"}


def test_a_copy_is_verified_over_all_roots(ours):
    ours.sign()
    for name in ("root-1", "root-2", "online"):
        rotate(ours.keys, name)
    ours.sign()
    assert verify(ours.registry, _read(ours)).root_version == 4


@pytest.mark.parametrize("name", ["timestamp", "snapshot", "targets", "2.root", "1.root"])
def test_a_copy_that_was_changed_is_refused(ours, name):
    rotate(ours.keys, "root-1")
    ours.sign()
    path = ours.site / f"metadata/{name}.json"
    said = json.loads(path.read_bytes())
    said["signed"]["expires"] = "2099-01-01T00:00:00Z"
    path.write_text(json.dumps(said))
    with pytest.raises(TrustError):
        verify(ours.registry, _read(ours))


def test_a_root_of_a_stranger_in_a_copy_is_refused(ours, tmp_path):
    ours.sign()
    create_keys(tmp_path / "other")
    rotate(tmp_path / "other", "root-1")
    shutil.copy(tmp_path / "other/roots/2.root.json", ours.site / "metadata/2.root.json")
    with pytest.raises(TrustError, match="did not sign"):
        verify(ours.registry, _read(ours))


def _version(ours, role):
    return json.loads((ours.site / f"metadata/{role}.json").read_bytes())["signed"]["version"]
