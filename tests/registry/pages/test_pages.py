"""The pages as files: which there are, what they say, and what they depend on."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote, urljoin, urlsplit

import html5lib
import pytest

from headrace_registry.catalogue import AuditFinding
from headrace_registry.errors import SiteError
from headrace_registry.pages import FRONT_PACKAGES, PAGE_PACKAGES, looks, render
from headrace_skills.needs import Needs

from .conftest import KEY, URL
from .samples import catalogue, file, package, release, shop, skill

HTML = "{http://www.w3.org/1999/xhtml}"


def made(listed, texts=lambda *_: "", **more):
    pages = list(render(listed, texts, **more))
    assert len({path for path, _ in pages}) == len(pages)
    return dict(pages)


def words_of(page):
    """The text of a page, as one line."""
    tree = html5lib.parse(page.decode())
    for element in tree.iter():
        if element.tag in {f"{HTML}script", f"{HTML}style"}:
            element.text = ""
        if element.tag in {
            f"{HTML}{name}" for name in ("dt", "dd", "td", "th", "li", "p", "h1", "h3")
        }:
            element.tail = f" {element.tail or ''}"
    return " ".join("".join(tree.itertext()).split())


def page_of(one, texts=lambda *_: ""):
    return words_of(made(catalogue(one), texts)[f"packages/{one.name}/index.html"])


def many(count):
    return catalogue(*(package(f"skill-{number:04}") for number in range(count)))


@pytest.fixture(scope="module")
def pages():
    return made(*shop(), url=URL, fingerprint=KEY)


def test_there_is_a_page_for_each_package_beside_front_search_and_assets(pages):
    listed, _ = shop()
    assert {path for path in pages if path.startswith("packages/")} == {
        f"packages/{one.name}/index.html" for one in listed.packages
    }
    assert {path for path in pages if not path.startswith("packages/")} == {
        "index.html",
        "search.js",
        "browse/1/index.html",
        "assets/finder.js",
        "assets/icon.svg",
        "assets/looks.txt",
        "assets/site.css",
        "assets/site.js",
    }


def test_every_page_is_valid_html(pages):
    for path, data in pages.items():
        if path.endswith(".html"):
            html5lib.HTMLParser(strict=True).parse(data.decode())


def test_every_id_is_there_once(pages):
    for path, data in pages.items():
        if path.endswith(".html"):
            ids = [one.get("id") for one in html5lib.parse(data.decode()).iter() if one.get("id")]
            assert len(ids) == len(set(ids)), path


def test_every_link_within_the_site_leads_somewhere(pages):
    listed, _ = shop()
    others = {"catalogue.json", "simple/index.html"}
    for one in listed.packages:
        others.add(f"simple/{one.name}/index.html")
        for released in one.releases:
            others |= {f"files/{one.name}/{made.filename}" for made in released.files}
    for path, data in pages.items():
        if not path.endswith(".html"):
            continue
        for element in html5lib.parse(data.decode()).iter():
            link = element.get("href") or element.get("src")
            if link is None or link.startswith("https://status.example.com/"):
                continue
            parts = urlsplit(urljoin(f"http://site/below/{path}", link))
            assert parts.netloc == "site", (path, link)
            target = unquote(parts.path.removeprefix("/below/"))
            assert target in pages or target in others, (path, link)
            if parts.fragment and target in pages and "=" not in parts.fragment:
                ids = {one.get("id") for one in html5lib.parse(pages[target].decode()).iter()}
                assert unquote(parts.fragment) in ids, (path, link)


def test_links_are_relative_so_that_the_site_may_lie_anywhere(pages):
    for path, data in pages.items():
        if path.endswith(".html"):
            assert not re.search(rb'(?:href|src)="/', data), path


def test_the_same_input_gives_the_same_bytes():
    assert made(*shop(), url=URL) == made(*shop(), url=URL)


# ------------------------------------------------------------- only what changed


def test_only_the_named_packages_get_new_pages():
    listed, texts = shop()
    few = made(listed, texts, only={"headrace-openai"})
    every = made(listed, texts)
    assert {path for path in few if path.startswith("packages/")} == {
        "packages/headrace-openai/index.html"
    }
    assert few.items() <= every.items()
    assert {path for path in every.keys() - few.keys() if not path.startswith("packages/")} == set()


def test_texts_are_asked_for_only_where_a_page_is_made():
    listed, _ = shop()
    asked = []

    def texts(one, released, found):
        asked.append((one.name, released.version, found.name))
        return ""

    made(listed, texts, only={"skill-log-triage", "headrace-openai"})
    assert asked == [("skill-log-triage", "1.2.0", "log-triage")]


def test_a_package_s_page_depends_on_nothing_else_of_the_catalogue():
    one = package("skill-one", skills=(skill("one"),), requires=("skill-two>=1",))
    alone = made(catalogue(one))
    among = made(catalogue(one, package("skill-two"), *many(200).packages), url=URL)
    path = "packages/skill-one/index.html"
    assert alone[path] == among[path]


def test_what_all_pages_depend_on_has_a_digest_that_is_in_the_site(pages):
    assert pages["assets/looks.txt"].decode().strip() == looks("Acme skills")
    assert looks("Acme skills") != looks("Acme's skills")


# -------------------------------------------------------------------- front page


def test_the_command_that_adds_the_registry_has_address_and_key(pages):
    assert f"agents registry add acme-skills {URL} --key {KEY}" in words_of(pages["index.html"])


@pytest.mark.parametrize(
    ("title", "url", "command"),
    [
        ("Acme", None, "agents registry add acme URL"),
        ("Äcme & Söhne", "https://a.example", "agents registry add acme-sohne https://a.example"),
        ("技能", "https://a.example", "agents registry add main https://a.example"),
        ("Index", "https://a.example", "agents registry add main https://a.example"),
        ("A", "https://me:secret@a.example/x", "agents registry add a https://a.example/x"),
        ("A", "file:///srv/a site", "agents registry add a 'file:///srv/a site'"),
        ("A", "https://a.example/;reboot", "agents registry add a 'https://a.example/;reboot'"),
    ],
)
def test_the_command_can_be_pasted_into_a_shell_and_holds_no_secret(title, url, command):
    page = made(catalogue(title=title), url=url)["index.html"]
    (shown,) = re.findall(r"<code class=\"typed\" data-copy>(.*?)</code>", page.decode())
    assert html5lib.parseFragment(shown)[0:] == []
    assert "".join(html5lib.parseFragment(shown).itertext()) == command


def test_an_empty_registry_says_so():
    assert "There are no packages yet." in words_of(made(catalogue())["index.html"])


def test_a_small_registry_is_listed_on_its_front_page_alone():
    pages = made(many(FRONT_PACKAGES))
    assert pages["index.html"].count(b'<li class="entry">') == FRONT_PACKAGES
    assert not [path for path in pages if path.startswith("browse/")]


def test_all_packages_of_a_large_registry_are_listed_on_pages():
    count = 2 * PAGE_PACKAGES + 1
    pages = made(many(count))
    assert pages["index.html"].count(b'<li class="entry">') == FRONT_PACKAGES
    listed = [
        re.findall(rb"packages/(skill-\d+)/index.html", pages[f"browse/{number}/index.html"])
        for number in (1, 2, 3)
    ]
    assert [len(part) for part in listed] == [PAGE_PACKAGES, PAGE_PACKAGES, 1]
    assert [name for part in listed for name in part] == sorted(
        f"skill-{number:04}".encode() for number in range(count)
    )
    assert b"browse/3/index.html" in pages["index.html"]


def test_the_front_page_stays_small_when_the_registry_grows():
    assert len(made(many(3000), only=())["index.html"]) < 40_000


# ------------------------------------------------------------------ package page


def test_a_package_s_page_says_what_it_is_and_how_to_add_it(pages):
    words = words_of(pages["packages/skill-log-triage/index.html"])
    for said in (
        "skill-log-triage 1.2.0",
        "Triage of log records of streaming jobs, with evidence",
        "agents skills add skill-log-triage",
        "Licence Apache-2.0",
        "Python >=3.10,<3.13",
        "Size 18 kB",
        "Uploaded 2026-10-02",
        "httpx<1,>=0.27",
        file("skill-log-triage", "1.2.0").sha256,
        "1.1.1 2026-10-02 >=3.10,<3.13 yanked: classify.py lost lines",
        "1.1.0 2026-08-19",
    ):
        assert said in words


def test_a_package_of_plugins_is_added_as_such():
    words = page_of(package("acme-model", plugins=(("chat_models", "acme", "acme.model:Model"),)))
    assert "agents plugins add acme-model" in words
    assert "Chat models acme acme.model:Model" in words
    assert "They are not sandboxed." in words


def test_a_page_says_what_a_skill_may_do(pages):
    words = words_of(pages["packages/skill-log-triage/index.html"])
    for said in (
        "Network hosts status.example.com *.logs.example.com:8443",
        "Environment variables STATUS_TOKEN",
        "Programs jq",
        "Python packages httpx>=0.27,<1",
        "Scripts it brings scripts/classify.py scripts/fetch_state.sh",
    ):
        assert said in words


def test_a_skill_that_asks_for_nothing_is_said_to():
    words = page_of(package("skill-a", skills=(skill("a"),)))
    assert "It asks for nothing: no network" in words


def test_scripts_alone_are_no_asking():
    words = page_of(package("skill-a", skills=(skill("a", scripts=("scripts/a.py",)),)))
    assert "It asks for no network, no environment variables" in words
    assert "Scripts it brings scripts/a.py" in words
    assert "asks for the following" not in words


def test_each_skill_of_several_says_what_it_asks_for():
    asking = skill("b", needs=Needs(network=("b.example.com",)))
    words = page_of(package("skill-ab", skills=(skill("a"), asking)))
    may = words[words.index("What it may do a") :]
    assert "a This skill asks for nothing" in may
    assert "b This skill asks for the following." in may
    assert "Network hosts b.example.com" in may


def test_findings_are_shown_with_severity_place_and_reason(pages):
    words = words_of(pages["packages/skill-log-triage/index.html"])
    assert "Audit 1 high 1 low" in words
    assert (
        "high it hands what it downloads to a shell: whoever controls the host runs programs "
        "scripts/fetch_state.sh:14 net-shell-download"
    ) in words


def test_a_finding_of_a_file_as_a_whole_has_no_line():
    found = AuditFinding("bin-file", "medium", "a.bin", 0, "it is a program")
    words = page_of(package("skill-a", skills=(skill("a", findings=(found,)),)))
    assert "it is a program a.bin bin-file" in words


def test_that_nothing_was_found_is_not_said_to_prove_anything():
    words = page_of(package("skill-a", skills=(skill("a"),)))
    assert "The audit found nothing. That is no proof that there is nothing" in words


def test_a_package_without_skills_is_not_said_to_be_audited():
    words = page_of(package("acme-model", plugins=(("chat_models", "acme", "acme:Model"),)))
    assert "Only skills are audited, and it has none." in words
    assert "found nothing" not in words


def test_a_broken_skill_says_why():
    broken = skill("a", broken="its frontmatter is no YAML")
    words = page_of(package("skill-a", skills=(broken,)))
    assert "It cannot be used: its frontmatter is no YAML" in words
    assert "It was not audited, as it cannot be read." in words
    assert "found nothing" not in words
    assert "Audit not possible" in words


def test_that_nothing_was_found_is_not_said_of_a_package_with_a_broken_skill():
    words = page_of(package("skill-ab", skills=(skill("a"), skill("b", broken="no YAML"))))
    assert "Audit not of all skills" in words


def test_the_text_of_a_skill_is_laid_out():
    one = package("skill-a", skills=(skill("a"),))
    page = made(catalogue(one), lambda *_: "# Do it\n\nFirst *this*.")
    assert b"<p>First <em>this</em>.</p>" in page["packages/skill-a/index.html"]


def test_ids_of_several_skills_do_not_clash():
    one = package("skill-ab", skills=(skill("a"), skill("b")))
    page = made(catalogue(one), lambda *_: "# Audit\n\n# Audit\n")["packages/skill-ab/index.html"]
    ids = re.findall(rb' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert {b"skill-1-audit", b"skill-2-audit", b"audit"} <= set(ids)


def test_a_reserved_name_has_a_page_that_adds_nothing():
    words = page_of(package("acme-internal", reserved="Kept for the platform team."))
    assert "This name is reserved Kept for the platform team." in words
    assert "agents " not in words


def test_a_package_whose_versions_are_all_yanked_says_so_and_adds_nothing():
    one = package(
        "skill-a",
        release("skill-a", "2.0", skills=(skill("a"),), yanked="it deleted files"),
        release("skill-a", "1.0", yanked=""),
    )
    words = page_of(one)
    assert "Every version was yanked The last one: it deleted files" in words
    assert "1.0 2026-10-02 >=3.10,<3.13 yanked: no reason was given" in words
    assert "agents skills add" not in words


def test_a_yanked_version_is_not_what_the_page_is_about():
    one = package(
        "skill-a",
        release("skill-a", "2.0", yanked="bad"),
        release("skill-a", "1.0", summary="The good one"),
    )
    assert "skill-a 1.0 The good one" in page_of(one)


def test_a_page_with_more_than_a_page_holds_says_what_is_missing():
    scripts = tuple(f"scripts/{number}.py" for number in range(150))
    found = [AuditFinding("r", "low", "f", 1, "reason") for _ in range(250)]
    releases = [release("skill-a", f"{number}.0") for number in range(400, 1, -1)]
    first = replace(
        release("skill-a", "500.0", skills=(skill("a", scripts=scripts, findings=tuple(found)),)),
        requires=tuple(f"p{number}" for number in range(350)),
    )
    words = page_of(package("skill-a", first, *releases))
    assert "and 50 more, in the catalogue" in words  # of the scripts, the findings, what it needs
    assert "and 100 older ones, in the catalogue" in words
    assert words.count("and 50 more, in the catalogue") == 3


@pytest.mark.parametrize(
    "name", ["../up", "a/b", "", "Skill", "a--b", "skill_a", "\uff41", "a\n", "-"]
)
def test_no_page_is_made_for_a_name_that_is_not_normalised(name):
    with pytest.raises(SiteError, match="not a normalised name"):
        next(render(catalogue(package(name or "", reserved="x")), lambda *_: ""))


def test_no_page_is_made_for_a_name_that_is_there_twice():
    with pytest.raises(SiteError, match="there twice"):
        next(render(catalogue(package("a"), package("a")), lambda *_: ""))


def test_a_key_that_is_none_is_refused():
    with pytest.raises(SiteError, match="fingerprint"):
        next(render(catalogue(), lambda *_: "", fingerprint="sha256:zz"))
