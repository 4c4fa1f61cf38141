"""The pages in a real browser: search, open, copy, with keys alone and without scripts."""

from __future__ import annotations

import re

import pytest

from .conftest import KEY, URL
from .samples import (
    SEARCH,
    big,
    catalogue,
    package,
    queries,
    release,
    search_times,
    shop,
    skill,
    write_site,
)

FOCUSED = """() => { const one = document.activeElement;
  return one.id || one.textContent.trim() || one.tagName }"""


def focused(page):
    return page.evaluate(FOCUSED)


# ---------------------------------------------------------------- search and open


def test_results_come_as_one_types_and_lead_to_the_package(visit, shop_site):
    window = visit(shop_site)
    page = window.open()
    page.locator("#words").press_sequentially("triage")
    page.locator("#results h3 a", has_text="log-triage").click()
    page.wait_for_url("**/packages/skill-log-triage/index.html**")
    assert page.locator("h1").inner_text().startswith("skill-log-triage 1.2.0")
    assert page.locator("#skill-1").is_visible()


def test_it_works_the_same_from_a_server_below_any_path(visit, serve, shop_folder):
    below = f"/{shop_folder.name}".replace(" ", "%20").replace("#", "%23")
    window = visit(serve(shop_folder.parent, below))
    page = window.open()
    assert window.search("triage") == ["log-triage"]
    page.click("#results h3 a")
    page.wait_for_url("**/packages/skill-log-triage/index.html**")
    page.click("text=add it once")
    page.wait_for_url("**/index.html#use")


def test_the_pages_load_nothing_from_anywhere_else(visit, shop_site):
    window = visit(shop_site)
    window.open()
    window.search("log")
    window.open("packages/skill-log-triage/index.html")
    window.open("browse/1/index.html")
    assert window.requests
    assert {url for url in window.requests if not url.startswith(shop_site)} == set()


def test_the_data_is_loaded_only_when_somebody_searches(visit, shop_site):
    window = visit(shop_site)
    window.open()
    assert not [url for url in window.requests if url.endswith("search.js")]
    window.search("log")
    assert len([url for url in window.requests if url.endswith("search.js")]) == 1


@pytest.fixture
def found(visit, tmp_path):
    """Searches a registry for words, and gives the names in their order."""

    def search(words, *packages):
        window = visit(write_site(tmp_path, catalogue(*packages)).as_uri())
        window.open()
        return window.search(words)

    return search


def of_skill(name, description="It does something.", **more):
    return package(f"skill-{name}", skills=(skill(name, description),), **more)


def test_names_come_before_descriptions_and_the_nearer_name_first(found):
    names = found(
        "log",
        of_skill("aa", "Reads a log."),
        of_skill("my-log"),
        of_skill("log-triage"),
        of_skill("log"),
        of_skill("log-io"),
    )
    assert names == ["log", "log-io", "log-triage", "my-log", "aa"]


def test_every_word_must_be_there_in_any_order_and_anywhere(found):
    names = found(
        "slow post",
        of_skill("postgres", "For slow queries."),
        of_skill("postmark", "Mail."),
        of_skill("slow-cooking", "Recipes, posted daily."),
        of_skill("other", "slow"),
    )
    assert names == ["postgres", "slow-cooking"]  # one word in each name: the shorter name first


def test_a_word_is_found_by_its_beginning_and_not_by_its_middle(found):
    assert found("cat", of_skill("a", "Category"), of_skill("b", "Concatenates")) == ["a"]


def test_keywords_and_the_end_of_a_long_description_are_searched(found):
    long = of_skill("long", f"{'word ' * 100} zebra")
    assert found("zebra", long, of_skill("k", keywords=("zebra",)), of_skill("no")) == ["k", "long"]


def test_accents_case_and_signs_make_no_difference(found):
    assert found("RÉSUMÉ_writer", of_skill("resume-writer")) == ["resume-writer"]


def test_scripts_without_blanks_are_searched_anywhere(found):
    names = found("日志", of_skill("a", "分析日志文件"), of_skill("b", "天气"))
    assert names == ["a"]


def test_what_cannot_be_added_comes_last_and_is_marked(visit, tmp_path):
    listed = catalogue(
        package("log", reserved="for the platform team"),
        package("log-old", release("log-old", yanked="bad")),
        package("a-library", summary="Reads a log."),
    )
    window = visit(write_site(tmp_path, listed).as_uri())
    window.open()
    assert window.search("log") == ["a-library", "log", "log-old"]
    marks = window.page.locator("#results .tag").all_inner_texts()
    assert marks == ["Package", "Reserved name", "Yanked"]


def test_a_kind_narrows_the_results_and_alone_lists_all_of_it(visit, shop_site):
    window = visit(shop_site)
    page = window.open()
    page.get_by_label("Chat models").check()
    page.wait_for_selector("#results h3 a")
    assert page.locator("#results h3 a").all_inner_texts() == ["openai", "scripted"]
    assert page.locator("#count").inner_text() == "2 found"
    window.search("policy")
    assert page.locator("#results h3 a").all_inner_texts() == ["scripted"]


def test_that_nothing_was_found_is_said(visit, shop_site):
    window = visit(shop_site)
    window.open()
    assert window.search("xyzzy") == []
    assert "Nothing was found." in window.page.locator("#count").inner_text()
    assert window.page.locator("#count").get_attribute("role") == "status"


def test_more_results_are_shown_on_demand(visit, tmp_path):
    listed = catalogue(*(of_skill(f"same-{number:03}") for number in range(50)))
    window = visit(write_site(tmp_path, listed).as_uri())
    page = window.open()
    assert len(window.search("same")) == 20
    assert page.locator("#count").inner_text() == "50 found, the first 20 are shown"
    page.click("text=Show more")
    assert page.locator("#results li").count() == 40
    assert focused(page) == "same-020"
    page.click("text=Show more")
    assert page.locator("#results li").count() == 50
    assert page.locator("text=Show more").is_hidden()


def test_every_page_leads_into_the_search(visit, shop_site):
    page = visit(shop_site).open("packages/skill-log-triage/index.html")
    page.get_by_role("link", name="Search").click()
    page.wait_for_url("**/index.html#*")
    assert focused(page) == "words"


def test_the_way_back_leads_to_the_same_results(visit, shop_site):
    window = visit(shop_site)
    page = window.open()
    window.search("triage")
    page.wait_for_url(re.compile("#q=triage"))
    page.click("#results h3 a")
    page.wait_for_url("**/packages/**")
    page.go_back()
    page.wait_for_selector("#results h3 a >> text=log-triage")
    assert page.input_value("#words") == "triage"


def test_data_that_is_not_there_is_said(visit, shop_folder, tmp_path):
    folder = write_site(tmp_path, *shop())
    (folder / "search.js").unlink()
    window = visit(folder.as_uri())
    page = window.open()
    page.fill("#words", "log")
    page.wait_for_selector("#count >> text=could not be loaded")
    assert window.wrong  # the browser's own words on the missing file
    window.wrong.clear()


@pytest.mark.slow
def test_ten_thousand_skills_are_searched(visit, tmp_path):
    listed, texts = big(10_000)
    window = visit(write_site(tmp_path, listed, texts, only=()).as_uri())
    page = window.open()
    window.search("log")
    assert re.fullmatch(r"[1-9][\d,]* found.*", page.evaluate(SEARCH, "log tri")[1])
    assert len(search_times(page, queries())) == 50
    assert re.fullmatch(r"[1-9][\d,]* found.*", page.evaluate(SEARCH, "use when")[1])


# ------------------------------------------------------------------ copy a command


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("index.html", f"agents registry add acme-skills {URL} --key {KEY}"),
        ("packages/skill-log-triage/index.html", "agents skills add skill-log-triage"),
        ("packages/headrace-openai/index.html", "agents plugins add headrace-openai"),
    ],
)
def test_the_command_is_copied(visit, serve, shop_folder, path, command):
    site = serve(shop_folder)
    window = visit(site, permissions=["clipboard-read", "clipboard-write"])
    page = window.open(path)
    page.click("button.copy")
    page.wait_for_selector("button.copy >> text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == command
    assert page.locator("#told").inner_text() == "Copied to the clipboard"


def test_the_command_is_copied_from_a_file(visit, shop_site):
    window = visit(shop_site, permissions=["clipboard-read", "clipboard-write"])
    page = window.open("packages/skill-log-triage/index.html")
    page.click("button.copy")
    page.wait_for_selector("button.copy >> text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "agents skills add skill-log-triage"


def test_where_there_is_no_clipboard_the_command_is_copied_the_old_way(visit, shop_site):
    window = visit(shop_site)
    window.page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page = window.open("packages/skill-log-triage/index.html")
    page.click("button.copy")
    page.wait_for_selector("button.copy >> text=Copied")
    assert page.evaluate("getSelection().toString()") == "agents skills add skill-log-triage"


# -------------------------------------------------------------------- keys alone


def test_search_and_open_with_keys_alone(visit, shop_site):
    page = visit(shop_site).open()
    page.keyboard.press("/")
    assert focused(page) == "words"
    page.keyboard.type("log")
    page.wait_for_selector("#results h3 a")
    names = page.locator("#results h3 a").all_inner_texts()
    page.keyboard.press("ArrowDown")
    assert focused(page) == names[0]
    page.keyboard.press("ArrowDown")
    assert focused(page) == names[1]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert focused(page) == "words"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/packages/skill-log-triage/index.html**")


def test_enter_opens_the_first_result(visit, shop_site):
    window = visit(shop_site)
    page = window.open()
    window.search("triage")
    page.keyboard.press("Enter")
    page.wait_for_url("**/packages/skill-log-triage/index.html**")


def test_escape_clears_the_search(visit, shop_site):
    window = visit(shop_site)
    page = window.open()
    window.search("triage")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    assert page.input_value("#words") == ""
    assert focused(page) == "words"
    assert page.locator("#results").is_hidden()
    assert page.locator("#all").is_visible()


def test_the_first_tab_skips_to_the_content(visit, shop_site):
    page = visit(shop_site).open("packages/skill-log-triage/index.html")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert focused(page) == "main"


def test_a_command_is_copied_with_keys_alone(visit, shop_site):
    window = visit(shop_site, permissions=["clipboard-read", "clipboard-write"])
    page = window.open("packages/skill-log-triage/index.html")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "copy":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("button.copy >> text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "agents skills add skill-log-triage"


# ---------------------------------------------------------------- without scripts


def test_without_scripts_packages_are_listed_and_opened(visit, shop_site):
    page = visit(shop_site, java_script_enabled=False).open()
    assert page.locator("#find").is_hidden()
    assert page.locator(f"text={KEY}").is_visible()
    assert page.locator("button.copy").is_hidden()
    page.click("a >> text=skill-kafka-lag")
    page.wait_for_url("**/packages/skill-kafka-lag/index.html")
    assert page.locator("text=agents skills add skill-kafka-lag").is_visible()
    assert page.locator("#skill-1").is_visible()


def test_without_scripts_every_package_of_a_large_registry_is_reached(visit, tmp_path):
    listed = catalogue(*(of_skill(f"n-{number:03}") for number in range(150)))
    page = visit(write_site(tmp_path, listed).as_uri(), java_script_enabled=False).open()
    page.click("ol.ranges li:nth-child(2) a")
    page.wait_for_url("**/browse/2/index.html")
    page.click("nav[aria-label='Parts, above'] >> text=Before")
    page.wait_for_url("**/browse/1/index.html")
    page.click("nav[aria-label='Parts, below'] >> text=Next")
    page.wait_for_url("**/browse/2/index.html")
    page.click("h3 a >> text=skill-n-149")
    page.wait_for_url("**/packages/skill-n-149/index.html")
