"""The pages that installers read, held against the standards."""

from __future__ import annotations

import json
import re
from datetime import datetime

import html5lib
import pytest

from headrace_registry.site import reserve, yank

from .conftest import tree


@pytest.fixture
def pages(workshop, site, build):
    """A site with all that pages can show: the pages by path."""
    build(
        workshop.plain(metadata='Requires-Python: >=3.10,<4\nSummary: <script>"x"\n'),
        workshop.plain(version="2.0rc1"),
        workshop.plain(version="0.9", metadata="Requires-Python: >=3.8\n"),
        workshop.plain("other"),
    )
    yank(site, "acme", "0.9", 'it <loses> "data"')
    yank(site, "other", "1.0")
    reserve(site, "Ours.Too", "kept for <us>")
    return tree(site)


def page(pages, path):
    return json.loads(pages[f"simple/{path}index.json"])


def anchors(pages, path):
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    document = parser.parse(pages[f"simple/{path}index.html"].decode())
    return [{**one.attrib, "text": one.text} for one in document.iter("a")], document


def test_the_list_names_all_packages_by_normalised_names(pages):
    names = ["acme", "other", "ours-too"]
    assert page(pages, "") == {
        "meta": {"api-version": "1.4"},
        "projects": [{"name": name} for name in names],
    }
    found, _ = anchors(pages, "")
    assert [(one["href"], one["text"]) for one in found] == [(f"{n}/", n) for n in names]


def test_a_page_tells_of_each_file_what_pep_691_and_700_ask_for(pages):
    found = page(pages, "acme/")
    assert found["meta"]["api-version"] == "1.4"
    assert found["name"] == "acme"
    assert set(found["versions"]) == {"0.9", "1.0", "2.0rc1"}
    assert len(found["files"]) == 3
    for file in found["files"]:
        assert re.fullmatch(r"acme-[\w.]+-py3-none-any\.whl", file["filename"])
        assert file["url"] == f"../../files/acme/{file['filename']}"
        data = pages[f"files/acme/{file['filename']}"]
        assert file["size"] == len(data)
        assert file["hashes"] == {"sha256": digest(data)}
        metadata = pages[f"files/acme/{file['filename']}.metadata"]
        assert file["core-metadata"] == {"sha256": digest(metadata)}
        datetime.strptime(file["upload-time"], "%Y-%m-%dT%H:%M:%S%z")


def test_a_page_tells_the_pythons_where_the_wheel_does(pages):
    said = {
        one["filename"].split("-")[1]: one.get("requires-python")
        for one in page(pages, "acme/")["files"]
    }
    assert said == {"0.9": ">=3.8", "1.0": ">=3.10,<4", "2.0rc1": None}


def test_a_yank_stands_on_both_pages(pages):
    (old,) = (one for one in page(pages, "acme/")["files"] if "-0.9-" in one["filename"])
    assert old["yanked"] == 'it <loses> "data"'
    assert page(pages, "other/")["files"][0]["yanked"] is True
    assert {one["yanked"] for one in page(pages, "acme/")["files"]} == {old["yanked"], False}
    said = {one["text"]: one.get("data-yanked") for one in anchors(pages, "acme/")[0]}
    assert said["acme-0.9-py3-none-any.whl"] == 'it <loses> "data"'
    assert said["acme-1.0-py3-none-any.whl"] is None
    assert anchors(pages, "other/")[0][0]["data-yanked"] == ""


def test_html_says_what_json_says(pages):
    for package in ("acme", "other"):
        for file, anchor in zip(
            page(pages, f"{package}/")["files"], anchors(pages, f"{package}/")[0], strict=True
        ):
            assert anchor["text"] == file["filename"]
            assert anchor["href"] == f"{file['url']}#sha256={file['hashes']['sha256']}"
            assert anchor["data-core-metadata"] == f"sha256={file['core-metadata']['sha256']}"
            assert anchor.get("data-requires-python") == file.get("requires-python")


def test_a_reserved_name_has_a_page_without_files_and_a_status(pages):
    found = page(pages, "ours-too/")
    assert (found["files"], found["versions"]) == ([], [])
    assert found["project-status"] == {"status": "quarantined", "reason": "kept for <us>"}
    links, document = anchors(pages, "ours-too/")
    metas = {one.get("name"): one.get("content") for one in document.iter("meta")}
    assert links == []
    assert metas["pypi:project-status"] == "quarantined"
    assert metas["pypi:project-status-reason"] == "kept for <us>"
    assert metas["pypi:repository-version"] == "1.4"


def test_the_metadata_beside_a_wheel_is_that_in_it(pages):
    assert pages["files/acme/acme-1.0-py3-none-any.whl.metadata"].startswith(
        b"Metadata-Version: 2.4\nName: acme\nVersion: 1.0\n"
    )


def digest(data):
    import hashlib

    return hashlib.sha256(data).hexdigest()
