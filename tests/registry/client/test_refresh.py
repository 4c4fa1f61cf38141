"""What a client gets of a registry, from the network and from its cache."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone

import pytest

from headrace_registry.errors import OfflineError, TrustError

from .keeping import TRIAGE


def test_a_signed_registry_is_read(keeper, server, client):
    snapshot = client.refresh()
    assert [one.name for one in snapshot.catalogue.packages] == [
        "skill-log-triage",
        "skill-status-report",
    ]
    assert (
        snapshot.digest == hashlib.sha256((keeper.site / "catalogue.json").read_bytes()).hexdigest()
    )
    assert snapshot.version > 0
    assert timedelta(13) < snapshot.expires - datetime.now(timezone.utc) < timedelta(15)
    assert snapshot.warnings == ()


def test_what_its_keeper_adds_is_seen(keeper, client):
    before = client.refresh()
    keeper.add("skill-more", "2.0", TRIAGE)
    keeper.publish()
    after = client.refresh()
    assert "skill-more" in after.catalogue.by_name
    assert after.version > before.version


def test_a_refresh_with_nothing_new_asks_twice(server, client):
    client.refresh()
    server.asked.clear()
    client.refresh()
    assert server.paths() == ["metadata/2.root.json", "metadata/timestamp.json"]


def test_a_wheel_comes_once_and_then_from_the_cache(keeper, server, client):
    file = client.refresh().catalogue.by_name["skill-log-triage"].releases[0].files[0]
    got: list[int] = []
    path = client.fetch("skill-log-triage", file, progress=got.append)
    assert path.name == file.filename
    assert (
        path.read_bytes() == (keeper.site / "files/skill-log-triage" / file.filename).read_bytes()
    )
    assert sum(got) == file.size
    server.asked.clear()
    assert client.fetch("skill-log-triage", file) == path
    assert server.asked == []


def test_a_spoilt_wheel_in_the_cache_is_fetched_anew(client):
    file = client.refresh().catalogue.by_name["skill-log-triage"].releases[0].files[0]
    path = client.fetch("skill-log-triage", file)
    right = path.read_bytes()
    path.write_bytes(bytes(len(right)))
    assert client.fetch("skill-log-triage", file).read_bytes() == right
    path.write_bytes(right[:-1])
    assert client.fetch("skill-log-triage", file).read_bytes() == right


def test_a_folder_is_a_registry(keeper, client_of):
    client = client_of(keeper.settings(keeper.site.as_uri()))
    file = client.refresh().catalogue.by_name["skill-log-triage"].releases[0].files[0]
    assert client.fetch("skill-log-triage", file).stat().st_size == file.size


def test_offline_gives_what_was_last_seen(keeper, server, client, client_of):
    seen = client.refresh()
    file = seen.catalogue.by_name["skill-log-triage"].releases[0].files[0]
    client.fetch("skill-log-triage", file)
    keeper.add("skill-more", "2.0", TRIAGE)
    keeper.publish()
    server.asked.clear()
    offline = client_of(keeper.settings(server.url), offline=True)
    snapshot = offline.refresh()
    assert (snapshot.version, snapshot.digest) == (seen.version, seen.digest)
    assert "skill-more" not in snapshot.catalogue.by_name
    assert offline.fetch("skill-log-triage", file).is_file()
    assert server.asked == []


def test_offline_says_what_is_not_in_the_cache(keeper, server, client, client_of):
    offline = client_of(keeper.settings(server.url), offline=True)
    with pytest.raises(OfflineError, match="not in the cache"):
        offline.refresh()
    file = client.refresh().catalogue.by_name["skill-log-triage"].releases[0].files[0]
    with pytest.raises(OfflineError, match=file.filename):
        offline.fetch("skill-log-triage", file)


def test_a_cache_that_was_changed_is_noticed(client, client_of, keeper, server, tmp_path):
    client.refresh()
    (path,) = (tmp_path / "cache").rglob("catalogue.json")
    path.write_bytes(path.read_bytes().replace(b"log-triage", b"log-trigae"))
    offline = client_of(keeper.settings(server.url), offline=True)
    with pytest.raises(TrustError, match="in the cache was changed"):
        _ = offline.refresh().catalogue


def test_a_state_that_is_broken_is_made_anew(client, tmp_path):
    version = client.refresh().version
    (path,) = (tmp_path / "cache").rglob("state.json")
    path.write_text("{")
    assert client.refresh().version == version


@pytest.mark.parametrize("name", ["root_history/1.root.json", "timestamp.json", "targets.json"])
def test_metadata_in_the_cache_that_is_broken_is_fetched_anew(keeper, client, tmp_path, name):
    client.refresh()
    (path,) = (tmp_path / "cache").rglob(name)
    path.write_bytes(b"{")
    keeper.add("skill-more", "2.0", TRIAGE)
    keeper.publish()
    assert "skill-more" in client.refresh().catalogue.by_name


def test_a_refresh_that_is_killed_leaves_what_was_there(
    keeper, server, client, client_of, tmp_path
):
    import subprocess
    import sys
    import threading

    seen = client.refresh()
    keeper.add("skill-more", "2.0", TRIAGE)
    keeper.publish()
    reached = threading.Event()

    def hang(handler):
        reached.set()
        server.ended.wait(60)

    server.answers["catalogue.json"] = hang
    code = (
        "import sys; from pathlib import Path\n"
        "from headrace_registry.client import RegistryClient\n"
        "from headrace_registry.settings import RegistrySettings\n"
        "url, key, cache = sys.argv[1:]\n"
        "RegistryClient(RegistrySettings('main', url, key), cache=Path(cache)).refresh()\n"
    )
    command = [sys.executable, "-c", code, server.url, keeper.key, str(tmp_path / "cache")]
    process = subprocess.Popen(command)
    assert reached.wait(60)
    process.kill()
    process.wait()
    del server.answers["catalogue.json"]
    offline = client_of(keeper.settings(server.url), offline=True).refresh()
    assert (offline.version, offline.digest) == (seen.version, seen.digest)
    assert "skill-more" in client.refresh().catalogue.by_name


def test_a_store_that_forbids_what_is_not_there_is_read(keeper, server, client):
    """Some object stores answer 403 for a missing file: here for the root that comes next."""
    server.answers["metadata/2.root.json"] = lambda handler: handler.say(403)
    client.refresh()
    keeper.add("skill-more", "2.0", TRIAGE)
    keeper.publish()
    assert "skill-more" in client.refresh().catalogue.by_name


def test_a_new_root_is_seen(keeper, server, client):
    from headrace_registry.trust import rotate

    client.refresh()
    rotate(keeper.keys, "online")
    keeper.publish()
    keeper.add("skill-more", "2.0", TRIAGE)
    keeper.publish()
    assert "skill-more" in client.refresh().catalogue.by_name
    server.asked.clear()
    client.refresh()
    assert server.paths() == ["metadata/3.root.json", "metadata/timestamp.json"]


def test_where_a_wheel_is(keeper, server, client):
    import urllib.request

    snapshot = client.refresh()
    file = snapshot.catalogue.by_name["skill-log-triage"].releases[0].files[0]
    with urllib.request.urlopen(snapshot.file_url("skill-log-triage", file)) as answer:  # noqa: S310
        assert hashlib.sha256(answer.read()).hexdigest() == file.sha256


def test_a_failed_refresh_leaves_what_was_there(keeper, server, client, client_of):
    seen = client.refresh()
    keeper.add("skill-more", "2.0", TRIAGE)
    keeper.publish()
    (keeper.site / "catalogue.json").write_bytes(b"{}")
    with pytest.raises(TrustError):
        client.refresh()
    offline = client_of(keeper.settings(server.url), offline=True).refresh()
    assert (offline.version, offline.digest) == (seen.version, seen.digest)


def test_an_unsigned_registry_is_read_and_has_no_version(tmp_path, serve, client_of):
    from .keeping import Keeper

    plain = Keeper(tmp_path / "plain", signed=False)
    server = serve(plain.site)
    snapshot = client_of(plain.settings(server.url)).refresh(least_version=5)
    assert (snapshot.version, snapshot.expires) == (0, None)
    assert "skill-log-triage" in snapshot.catalogue.by_name


def test_an_unsigned_registry_without_tls_is_refused(tmp_path, client_of):
    from .keeping import Keeper

    plain = Keeper(tmp_path / "plain", signed=False)
    with pytest.raises(TrustError, match="neither signed nor behind TLS"):
        client_of(plain.settings("http://registry.example.org")).refresh()


@pytest.mark.slow
def test_two_processes_refresh_one_cache_at_once(keeper, server, tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path\n"
        "from headrace_registry.client import RegistryClient\n"
        "from headrace_registry.settings import RegistrySettings\n"
        "url, key, cache = sys.argv[1:]\n"
        "client = RegistryClient(RegistrySettings('main', url, key), cache=Path(cache))\n"
        "print(client.refresh().catalogue.title)\n"
    )
    command = [sys.executable, "-c", code, server.url, keeper.key, str(tmp_path / "cache")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [one.communicate(timeout=60)[0] for one in running] == ["Ours\n"] * 3
