"""``search.js``: data that a script reads, whatever strangers wrote into it."""

from __future__ import annotations

import json

from headrace_registry.pages import render

from .samples import catalogue, package, release, skill

BEGINS, ENDS = b"self.headraceRegistry=", b";\n"


def script(*packages):
    return dict(render(catalogue(*packages), lambda *_: "", only=()))["search.js"]


def data(*packages):
    whole = script(*packages)
    assert whole.startswith(BEGINS)
    assert whole.endswith(ENDS)
    return json.loads(whole[len(BEGINS) : -len(ENDS)])


def test_each_skill_and_plugin_of_the_newest_releases_is_there():
    found = data(
        package(
            "acme",
            release(
                "acme", "2.0", skills=(skill("b", "B does."),), plugins=(("tools", "a", "a:A"),)
            ),
            release("acme", "1.0", skills=(skill("gone"),)),
        )
    )
    assert found["packages"] == [["acme", "2.0", 0]]
    kinds = [name for name, _ in found["kinds"]]
    assert [(one[0], kinds[one[1]], one[2], one[3]) for one in found["items"]] == [
        ("a", "tools", 0, "What acme does, in one line"),
        ("b", "skills", 0, "B does."),
    ]


def test_a_package_that_brings_nothing_is_found_itself():
    assert data(package("acme-base"))["items"] == [
        ["acme-base", 0, 0, "What acme-base does, in one line"]
    ]


def test_reserved_names_and_yanked_packages_are_there_and_marked():
    found = data(
        package("kept", reserved="for us"), package("old", release("old", yanked="was wrong"))
    )
    assert found["packages"] == [["kept", "", 2], ["old", "", 1]]
    assert [one[0] for one in found["items"]] == ["kept", "old"]


def test_words_beyond_what_is_shown_are_there_once_and_without_those_that_are():
    long = "shown " * 60 + "later Later rare"
    (item,) = data(package("skill-a", skills=(skill("a", long),), keywords=("extra", "rare")))[
        "items"
    ]
    assert len(item[3]) == 200
    words = item[4].split()
    assert {"later", "rare", "extra"} <= set(words)
    assert "shown" not in words
    assert len(words) == len(set(words))


def test_the_words_of_a_huge_description_are_bounded():
    huge = " ".join(f"word{number}" for number in range(50_000))
    assert len(script(package("skill-a", skills=(skill("a", huge),)))) < 3_000


def test_nothing_in_it_can_end_the_script_or_leave_its_text():
    hostile = "</script><script>x()</script><!-- ]]> \u2028 \u202e \ud800 ' \" \\ &lt; 👩"
    whole = script(
        package("skill-a", skills=(skill(hostile, hostile),), summary=hostile, keywords=(hostile,)),
        package("kept", reserved=hostile),
    )
    assert whole.isascii()
    assert whole.count(b"\n") == 1
    assert not set(b"<>&") & set(whole)
    text = json.loads(whole[len(BEGINS) : -len(ENDS)])["items"][0][0]
    assert "\u2028" not in text
    assert "⟨U+202E⟩" in json.dumps(json.loads(whole[len(BEGINS) : -len(ENDS)]), ensure_ascii=False)
