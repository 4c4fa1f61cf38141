"""Keys: made, replaced, lost. In each case: what clients that pinned the registry see."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from datetime import datetime, timedelta, timezone

import pytest

from headrace_registry.errors import SiteError, TrustError
from headrace_registry.trust import Keys, Lifetimes, create_keys, fingerprint, read_root, rotate


def _root(ours, number):
    return json.loads((ours.keys / f"roots/{number}.root.json").read_bytes())


def _ids(ours, number, role):
    return set(_root(ours, number)["signed"]["roles"][role]["keyids"])


# ------------------------------------------------------------------ made


def test_new_keys_are_private(ours):
    for name in ("root-1", "root-2", "online"):
        path = ours.keys / f"{name}.pem"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert stat.S_IMODE(ours.keys.stat().st_mode) == 0o700


def test_either_root_key_is_enough_and_the_online_key_signs_no_root(ours):
    root = _root(ours, 1)["signed"]
    assert len(root["roles"]["root"]["keyids"]) == 2
    assert root["roles"]["root"]["threshold"] == 1
    online = _ids(ours, 1, "targets")
    assert online == _ids(ours, 1, "snapshot") == _ids(ours, 1, "timestamp")
    assert len(online) == 1
    assert not online & _ids(ours, 1, "root")


def test_the_fingerprint_is_over_the_root_keys_and_their_threshold(ours):
    signed = _root(ours, 1)["signed"]
    role = signed["roles"]["root"]
    keys = {
        one: {part: signed["keys"][one][part] for part in ("keytype", "keyval", "scheme")}
        for one in role["keyids"]
    }
    text = json.dumps({"keys": keys, "threshold": 1}, sort_keys=True, separators=(",", ":"))
    assert ours.key == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("part", ["public key", "threshold"])
def test_what_a_root_may_not_change_is_in_the_fingerprint(ours, part):
    root = _root(ours, 1)
    role = root["signed"]["roles"]["root"]
    if part == "threshold":
        role["threshold"] = 2
    else:
        root["signed"]["keys"][role["keyids"][0]]["keyval"]["public"] = "00" * 32
    assert fingerprint(json.dumps(root).encode()) != ours.key


def test_keys_are_not_made_where_something_is(ours):
    with pytest.raises(SiteError, match="not empty"):
        create_keys(ours.keys)


def test_a_folder_without_keys_is_told(tmp_path):
    with pytest.raises(SiteError, match="agents registry keys new"):
        Keys.open(tmp_path)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"signed": {"roles": 1}}', b"[" * 50_000])
def test_what_is_no_root_is_an_error(data):
    with pytest.raises(TrustError, match="no root of trust"):
        fingerprint(data)


# ------------------------------------------------------------------ passwords


def test_keys_with_a_password_sign_with_it_alone(tmp_path, ours, monkeypatch):
    keys = tmp_path / "locked"
    monkeypatch.setenv("HEADRACE_SIGNING_PASSWORD", "open sesame")
    create_keys(keys)
    assert b"ENCRYPTED" in (keys / "online.pem").read_bytes()
    assert Keys.open(keys).signer("online") is not None
    monkeypatch.setenv("HEADRACE_SIGNING_PASSWORD", "wrong")
    with pytest.raises(SiteError, match="password is wrong"):
        Keys.open(keys).signer("online")
    monkeypatch.delenv("HEADRACE_SIGNING_PASSWORD")
    with pytest.raises(SiteError, match="set HEADRACE_SIGNING_PASSWORD"):
        Keys.open(keys).signer("online")


def test_a_rotated_key_has_the_password_too(tmp_path, monkeypatch):
    keys = tmp_path / "locked"
    monkeypatch.setenv("HEADRACE_SIGNING_PASSWORD", "open sesame")
    create_keys(keys)
    rotate(keys, "online")
    assert b"ENCRYPTED" in (keys / "online.pem").read_bytes()


def test_a_password_that_is_not_needed_does_no_harm(ours, monkeypatch):
    monkeypatch.setenv("HEADRACE_SIGNING_PASSWORD", "open sesame")
    assert Keys.open(ours.keys).signer("online") is not None


# ------------------------------------------------------------------ rotated and lost


@pytest.mark.parametrize("name", ["root-1", "root-2", "online"])
def test_a_key_is_replaced_and_clients_go_on(ours, tmp_path, name):
    ours.sign()
    before = ours.client(tmp_path / "old")
    role = "targets" if name == "online" else "root"
    assert rotate(ours.keys, name) == 2
    assert len(_ids(ours, 2, role) - _ids(ours, 1, role)) == 1
    assert len(_ids(ours, 2, role)) == len(_ids(ours, 1, role))
    ours.sign()
    assert Keys.open(ours.keys).fingerprint == ours.key
    for cache in ("old", "fresh"):
        after = ours.client(tmp_path / cache)
        assert after.root_version == 2
        assert after.version >= before.version


@pytest.mark.parametrize(("lost", "other"), [("root-1", "root-2"), ("root-2", "root-1")])
def test_a_lost_root_key_is_replaced_with_the_other(ours, tmp_path, lost, other):
    (ours.keys / f"{lost}.pem").unlink()
    rotate(ours.keys, lost)
    (ours.keys / f"{other}.pem").unlink()
    rotate(ours.keys, other)  # the new one is a root key in full
    ours.sign()
    assert ours.client(tmp_path / "fresh").root_version == 3


def test_a_lost_online_key_is_replaced(ours, tmp_path):
    ours.sign()
    ours.client(tmp_path / "old")
    (ours.keys / "online.pem").unlink()
    with pytest.raises(SiteError, match=r"no online\.pem"):
        ours.sign()
    rotate(ours.keys, "online")
    written = ours.sign()
    # All that the lost key signed is signed anew: clients would take none of it.
    assert {"metadata/targets.json", "metadata/snapshot.json", "metadata/timestamp.json"} < set(
        written
    )
    ours.client(tmp_path / "old")


def test_a_stolen_online_key_is_worth_nothing_after_it_was_replaced(ours, tmp_path):
    import shutil

    ours.sign()
    thief = tmp_path / "thief"
    shutil.copytree(ours.keys, thief)
    rotate(ours.keys, "online")
    ours.sign()
    ours.client(tmp_path / "cache")
    shutil.copy(thief / "online.pem", ours.keys / "online.pem")
    with pytest.raises(SiteError, match="it was replaced"):
        ours.sign()


def test_without_a_root_key_nothing_is_replaced(ours):
    for name in ("root-1", "root-2"):
        (ours.keys / f"{name}.pem").rename(ours.keys.parent / f"{name}.pem")
    with pytest.raises(SiteError, match="neither is here"):
        rotate(ours.keys, "online")
    assert not (ours.keys / "roots/2.root.json").exists()
    ours.sign()  # which wants the online key alone


def test_a_root_key_of_another_registry_replaces_nothing(ours, tmp_path):
    create_keys(tmp_path / "other")
    (ours.keys / "root-1.pem").write_bytes((tmp_path / "other/root-1.pem").read_bytes())
    with pytest.raises(SiteError, match="is not the root-1 key"):
        rotate(ours.keys, "root-2")


def test_a_key_that_is_not_known_is_not_replaced(ours):
    with pytest.raises(SiteError, match="root-1, root-2, online"):
        rotate(ours.keys, "../online")


def test_a_root_is_renewed_before_it_ends(ours, tmp_path):
    later = datetime.now(timezone.utc) + timedelta(days=300)
    first = read_root((ours.keys / "roots/1.root.json").read_bytes())
    assert rotate(ours.keys, None, now=later) == 2
    second = read_root((ours.keys / "roots/2.root.json").read_bytes())
    assert second.expires > first.expires
    assert (second.root_keys, second.online_keys) == (first.root_keys, first.online_keys)
    assert second.fingerprint == ours.key
    ours.sign(now=later)


@pytest.mark.parametrize("name", ["root-1", "online"])
def test_a_rotation_that_is_killed_leaves_keys_that_sign(ours, monkeypatch, name):
    """Before the new root is there the old key is the key; after it, the new one."""
    from pathlib import Path

    def killed(path, target):
        if path.parent == ours.keys and path.name.startswith(f"{name}."):
            raise KeyboardInterrupt
        return rename(path, target)

    rename = Path.rename
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            rotate(ours.keys, name)
    assert Keys.open(ours.keys).signer(name) is not None
    ours.sign()
    (ours.keys / "roots/2.root.json").unlink()
    shutil.rmtree(ours.site / "metadata")
    for path in (ours.keys / "retired").iterdir():
        path.replace(ours.keys / f"{name}.pem")
    assert Keys.open(ours.keys).signer(name) is not None
    ours.sign()


def test_the_states_of_keys_are_told(ours):
    (ours.keys / "root-1.pem").unlink()
    states = {one.name: one for one in Keys.open(ours.keys).states()}
    assert [states[name].here for name in ("root-1", "root-2", "online")] == [False, True, True]
    assert {states["root-1"].keyid, states["root-2"].keyid} == _ids(ours, 1, "root")
    assert not states["online"].encrypted


def test_lifetimes_are_kept_with_the_keys(tmp_path):
    from headrace_registry.trust import KeySigner

    now = datetime(2026, 11, 21, tzinfo=timezone.utc)
    create_keys(tmp_path / "keys", lifetimes=Lifetimes(100, 20, 3), now=now)
    made = KeySigner.from_folder(tmp_path / "keys").sign(tmp_path, {"a": (1, "0" * 64)}, now)
    expires = {name: json.loads(data)["signed"]["expires"] for name, data in made.items()}
    assert expires == {
        "metadata/1.root.json": "2027-03-01T00:00:00Z",
        "metadata/targets.json": "2026-12-11T00:00:00Z",
        "metadata/snapshot.json": "2026-12-11T00:00:00Z",
        "metadata/timestamp.json": "2026-11-24T00:00:00Z",
    }
