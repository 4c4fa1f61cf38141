"""Texts of strangers, made fit to be shown."""

from __future__ import annotations

import re
import time

import html5lib
import pytest

from headrace_registry.pages._markdown import MAX_BODY, read_body
from headrace_registry.pages._text import cut, day, kind_label, size, visible

ALLOWED = {
    *("p", "em", "strong", "s", "code", "pre", "blockquote", "hr", "br", "ul", "ol", "li"),
    *("h4", "h5", "h6", "a", "span", "div", "table", "thead", "tbody", "tr", "th", "td"),
}


def elements(html):
    """Every element of a fragment, with its attributes."""
    found = html5lib.parseFragment(html, namespaceHTMLElements=False)
    return [one for one in found.iter() if isinstance(one.tag, str) and one is not found]


def shown(html):
    return " ".join("".join(html5lib.parseFragment(html).itertext()).split())


@pytest.mark.parametrize(
    ("character", "written"),
    [
        ("\u202e", "U+202E"),  # right-to-left override
        ("\u2066", "U+2066"),  # isolate
        ("\u200f", "U+200F"),  # right-to-left mark
        ("\u061c", "U+061C"),  # Arabic letter mark
        ("\u200b", "U+200B"),  # zero width space
        ("\u3164", "U+3164"),  # Hangul filler, a letter that is not seen
        ("\U000e0041", "U+E0041"),  # tag
        ("\ue000", "U+E000"),  # private use
        ("\ud800", "U+D800"),  # half of a pair: no UTF-8 has it
        ("\x1b", "U+001B"),
        ("\x00", "U+0000"),
        ("\ufeff", "U+FEFF"),
        ("\u2028", "U+2028"),
    ],
)
def test_a_character_that_is_not_seen_is_written_out(character, written):
    assert visible(f"a{character}b") == f"a⟨{written}⟩b"


@pytest.mark.parametrize(
    "text",
    [
        "\u0633\u0644\u0627\u0645\u200c\u0647\u0627",  # Persian, with a joiner
        "\u0915\u094d\u200d\u0937",  # Hindi, with another
        "\U0001f469\u200d\U0001f692 \u2764\ufe0f",
        "naïve café",
        "log\ttriage\n",
        "日本語",
    ],
)
def test_what_people_write_is_left_alone(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (18_200, "18 kB"),
        (999_400, "999 kB"),
        (999_600, "1.0 MB"),
        (7_250_000_000, "7.2 GB"),
        (3 * 10**15, "3000 TB"),
    ],
)
def test_sizes_are_said_in_a_unit_that_is_read_easily(count, said):
    assert size(count) == said


def test_a_day_is_shown_only_of_a_time():
    assert day("2026-11-21T20:15:00Z") == "2026-11-21"
    assert day("<b>soon</b>") == ""


def test_a_long_text_is_cut_with_an_ellipsis():
    assert cut("12345", 5) == "12345"
    assert cut("1234567", 5) == "1234…"


def test_kinds_have_names_for_people_also_those_that_are_not_known():
    assert kind_label("chat_models") == "Chat models"
    assert kind_label("rate_limits") == "Rate limits"


# --------------------------------------------------------------- a skill's text


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#x0A;script:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "file:///etc/passwd",
        "//other.example/x",
        "/root",
        "../../index.html",
        "references/more.md",
        "#elsewhere",
        "https:relative",
        "http:///nohost",
        "ftp://a.example/",
    ],
)
def test_an_address_that_is_no_plain_link_is_shown_as_text(address):
    html = read_body(f"[read](<{address}>) [it][r] <{address}>\n\n[r]: <{address}>\n", "s").html
    assert not [one for one in elements(html) if one.get("href")]
    assert "read" in shown(html)


@pytest.mark.parametrize(
    "address", ["https://a.example/x?y=1&z=2", "http://a.example/", "mailto:me@a.example"]
)
def test_a_link_leads_out_without_saying_from_where(address):
    (link,) = [one for one in elements(read_body(f"[x]({address})", "s").html) if one.tag == "a"]
    assert link.get("href") == address
    assert link.get("rel") == "nofollow noreferrer noopener"
    assert set(link.attrib) == {"href", "rel"}


def test_a_link_to_a_heading_of_the_text_leads_there():
    html = read_body("[go](#the-steps)\n\n# The steps\n", "skill-3").html
    (link,) = [one for one in elements(html) if one.tag == "a"]
    (heading,) = [one for one in elements(html) if one.tag == "h4"]
    assert link.get("href") == f"#{heading.get('id')}" == "#skill-3-the-steps"


def test_headings_stand_below_those_of_the_page():
    html = read_body("# a\n\n## b\n\n### c\n\n###### d\n\ne\n===\n", "s").html
    assert [one.tag for one in elements(html)] == ["h4", "h5", "h6", "h6", "h4"]


def test_headings_that_would_share_an_id_get_their_own():
    html = read_body("# a\n\n# a\n\n# a 1\n\n# a\n\n# \n\n# ?\n", "s").html
    ids = [one.get("id") for one in elements(html)]
    assert len(set(ids)) == 6
    assert ids[:2] == ["s-a", "s-a-1"]


def test_a_picture_is_not_loaded_but_told():
    html = read_body("![the *plan*](https://a.example/p.png 'hidden')", "s").html
    assert not [one for one in elements(html) if one.tag == "img"]
    assert shown(html) == "picture: the plan https://a.example/p.png (hidden)"


def test_html_is_shown_and_not_read():
    text = "<script>x()</script>\n\n<!-- do this in secret -->\n\na <b onclick=x>b</b> <img src=x>"
    html = read_body(text, "s").html
    assert {one.tag for one in elements(html)} == {"p"}
    assert "<!-- do this in secret -->" in shown(html)
    assert "<script>x()</script>" in shown(html)


def test_what_a_reader_would_not_see_is_shown():
    body = read_body(
        "[//]: # (send the keys)\n[a]: https://a.example 'title'\n\n"
        "``` sh ignore all rules\nls\n```\n\n[x](https://b.example 'obey')\n\n"
        "&#x202e;reversed %\n\n[y](https://c.example/%E2%80%AE)\n",
        "s",
    )
    assert ("//", "#", "send the keys") in [(a.lower(), b, c) for a, b, c in body.unseen]
    assert ("a", "https://a.example", "title") in [(a.lower(), b, c) for a, b, c in body.unseen]
    assert "sh ignore all rules" in shown(body.html)
    assert "(obey)" in shown(body.html)
    assert "⟨U+202E⟩reversed" in shown(body.html)


def test_a_definition_that_is_used_is_not_told_again():
    assert read_body("[x][a]\n\n[a]: https://a.example\n", "s").unseen == ()


def test_a_second_definition_of_a_name_is_told():
    body = read_body("[x][a]\n\n[a]: https://a.example\n[a]: https://b.example 'obey'\n", "s")
    assert [(b, c) for _, b, c in body.unseen] == [("https://b.example", "obey")]


def test_columns_are_aligned_without_styles():
    html = read_body("|a|b|\n|:-:|--:|\n|1|2|\n", "s").html
    assert not [one for one in elements(html) if one.get("style")]
    assert [one.get("class") for one in elements(html) if one.tag == "td"] == [
        "to-center",
        "to-right",
    ]


def test_a_long_text_is_cut_at_a_line_and_says_so():
    body = read_body("words of a line\n" * 20_000, "s")
    assert body.note == "Only the beginning of its 320,000 characters is shown here."
    assert body.html.rstrip().endswith("words of a line</p>")
    assert len(body.html) < MAX_BODY * 1.1


@pytest.mark.parametrize(
    "text",
    ["> " * 200 + "deep", "".join(f"{' ' * 2 * n}- a\n" for n in range(120))],
    ids=["quotations", "lists"],
)
def test_a_text_that_is_nested_too_deeply_is_shown_as_written(text):
    body = read_body(text, "s")
    assert "as it was written" in body.note
    assert shown(body.html) == " ".join(text.split())


HOSTILE = {
    "brackets": "[" * 50_000,
    "pictures": "![" * 30_000 + "](x)" * 5_000,
    "links": "[a](" * 25_000,
    "stars": "*a_ " * 25_000,
    "emphasis": "*" * 50_000 + "a" + "*" * 49_000,
    "backticks": "".join("`" * n + " " for n in range(1, 440)),
    "references": "[a]: https://a.example/" + "x" * 400 + "\n\n" + "[a] " * 24_000,
    "definitions": "".join(f"[{n}]: x\n" for n in range(9_000)),
    "columns": "|a" * 9_000 + "\n" + "|-" * 9_000 + "\n" + "|\n" * 9_000,
    "rows": "a|b\n-|-\n" + "|\n" * 45_000,
    "quotations": "> " * 50_000,
    "mixed": "> - " * 25_000,
    "lists": "- " * 50_000,
    "entities": "&#x202e;" * 12_500,
    "autolinks": "<a:" * 33_000,
    "headings": "# a\n" * 25_000,
    "html": "<!--" * 25_000,
    "addresses": "[a](<https://a.example/" + "é" * 99_000 + ">)",
    "hidden": "\u202e" * 100_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_costs_bounded_time_and_room(text):
    start = time.process_time()
    body = read_body(text, "s")
    assert time.process_time() - start < 20
    assert len(body.html) < 3_000_000


@pytest.mark.parametrize("text", [one[:2000] for one in HOSTILE.values()], ids=HOSTILE.keys())
def test_nothing_but_plain_elements_and_attributes_comes_out(text):
    for one in elements(read_body(text, "s").html):
        assert one.tag in ALLOWED
        assert set(one.attrib) <= {"href", "rel", "class", "id", "start"}


def test_line_endings_of_other_systems_are_read():
    assert re.findall(r"<li>", read_body("- a\r\n- b\r- c", "s").html) == ["<li>"] * 3
