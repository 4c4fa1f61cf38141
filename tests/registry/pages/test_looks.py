"""How the pages look: contrast, narrow and wide windows, what has the focus, long and odd texts."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

import headrace_registry.pages
from headrace_registry.catalogue import AuditFinding
from headrace_skills.needs import Needs

from .samples import catalogue, package, release, skill, write_site

CSS = Path(headrace_registry.pages.__file__).with_name("assets") / "site.css"
PATHS = (
    "index.html",
    "packages/skill-log-triage/index.html",
    "packages/skill-arabic-log-classes/index.html",
    "packages/headrace-openai/index.html",
    "packages/acme-internal/index.html",
    "packages/skill-old-runbook/index.html",
    "browse/1/index.html",
)
SCHEMES = ("light", "dark")

# Of everything that shows text of its own: the colours of text and of what is behind it.
COLOURS = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const opaque = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
      if (a !== 0) throw new Error(`half transparent: ${at.outerHTML.slice(0, 80)}`);
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.body.querySelectorAll("*")) {
    const own = [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
    if (!own || !node.checkVisibility() || node.closest(".unseen")) continue;
    const style = getComputedStyle(node);
    found.push([node.outerHTML.slice(0, 80), parse(style.color).slice(0, 3), opaque(node)]);
  }
  return found;
}"""

OVERFLOWING = """() => {
  const wide = document.documentElement.clientWidth;
  return [...document.body.querySelectorAll("*")]
    .filter((node) => node.checkVisibility() && !node.closest(".scroll, pre, .unseen, .skip"))
    .filter((node) => { const box = node.getBoundingClientRect();
      return box.right > wide + 0.5 || box.left < -0.5 })
    .map((node) => node.outerHTML.slice(0, 120));
}"""


def luminance(colour):
    """The relative luminance of a colour, as WCAG 2 has it."""
    parts = [one / 255 for one in colour]
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_reckoned_as_the_standard_does():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


def palette(scheme):
    light, dark = re.findall(r":root \{(.*?)\}", CSS.read_text(), re.DOTALL)
    found = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6});", light if scheme == "light" else dark))
    return {name: tuple(bytes.fromhex(value)) for name, value in found.items()}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        *(("text", back, 7) for back in ("ground", "card", "sunken")),
        *(("muted", back, 4.5) for back in ("ground", "card", "sunken")),
        *(("accent", back, 4.5) for back in ("ground", "card", "sunken")),
        *(
            (f"on-{name}", name, 4.5)
            for name in ("accent", "tag", "calm", "low", "medium", "high", "critical")
        ),
        ("text", "mark", 4.5),
        *(("edge", back, 3) for back in ("ground", "card")),  # the frames of what one operates
    ],
)
def test_the_palette_has_contrast(scheme, front, back, least):
    colours = palette(scheme)
    assert contrast(colours[front], colours[back]) >= least


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_on_the_pages_has_contrast(visit, shop_site, scheme):
    window = visit(shop_site, color_scheme=scheme, reduced_motion="reduce")
    for path in PATHS:
        page = window.open(path)
        if path == "index.html":
            window.search("log")
        found = page.evaluate(COLOURS)
        assert len(found) > 5
        assert [one for one in found if contrast(one[1], one[2]) < 4.5] == [], path


@pytest.mark.parametrize("scheme", SCHEMES)
def test_light_and_dark_follow_the_system(visit, shop_site, scheme):
    page = visit(shop_site, color_scheme=scheme).open()
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = luminance([int(one) for one in re.findall(r"\d+", shade)]) < 0.2
    assert dark == (scheme == "dark")


LONG = "x" * 300
NAME = f"skill-{'x' * 200}"
EMOJI = "👩‍🚒" * 120


def odd_registry():
    """Texts that a layout may break on."""
    code = f"    {LONG}\n\n`{LONG}`\n\n|{LONG}|b|\n|-|-|\n|{LONG}|{LONG}|\n\n# {LONG}\n"
    asks = Needs((f"{LONG}.example",), (LONG.upper(),), (LONG,), (f"{LONG}>=1",))
    found = AuditFinding(LONG, "high", LONG, 1, LONG)
    long = skill(LONG, LONG, scripts=(LONG,), needs=asks, findings=(found,), compatibility=LONG)
    return (
        catalogue(
            package(
                NAME,
                release(
                    NAME,
                    skills=(long,),
                    plugins=(("tools", LONG, f"{LONG}:{LONG}"),),
                    summary=LONG,
                    license=LONG,
                    keywords=(LONG,),
                    requires=(LONG,),
                    requires_python=f"!={LONG}",
                ),
                release(NAME, "0.1", yanked=LONG),
            ),
            package("skill-emoji", skills=(skill("emoji", EMOJI),), summary=EMOJI),
            package(
                "skill-rtl", skills=(skill("سجلات", "سجلات " * 60),), summary="يصنف سجلات " * 9
            ),
            package("skill-zalgo", skills=(skill("z", "z" + "\u0301" * 900),)),
            *(package(f"n-{number}") for number in range(30)),
            title=LONG,
        ),
        lambda *_: code,
    )


@pytest.fixture(scope="module")
def odd_site(tmp_path_factory):
    return write_site(tmp_path_factory.mktemp("odd"), *odd_registry()).as_uri()


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 360, 768, 1440])
def test_nothing_reaches_beyond_the_window(visit, shop_site, odd_site, width):
    odd = (
        "index.html",
        "browse/1/index.html",
        f"packages/{NAME}/index.html",
        *(f"packages/skill-{name}/index.html" for name in ("emoji", "rtl", "zalgo")),
    )
    for site, paths in ((shop_site, PATHS), (odd_site, odd)):
        window = visit(site, width=width)
        for path in paths:
            page = window.open(path)
            assert page.evaluate("document.documentElement.scrollWidth") == width, path
            assert page.evaluate(OVERFLOWING) == [], path
            if path == "index.html":
                window.search("sk")
                assert page.evaluate("document.documentElement.scrollWidth") == width
                assert page.evaluate(OVERFLOWING) == []


def test_a_wide_window_shows_the_facts_beside_the_parts_and_a_narrow_one_above(visit, shop_site):
    for width, beside in ((1440, True), (360, False)):
        page = visit(shop_site, width=width).open("packages/skill-log-triage/index.html")
        facts = page.locator(".facts").bounding_box()
        parts = page.locator(".parts").bounding_box()
        assert (facts["x"] >= parts["x"] + parts["width"]) == beside
        assert (facts["y"] + facts["height"] <= parts["y"]) == (not beside)


def test_what_has_the_focus_is_seen(visit, shop_site):
    page = visit(shop_site).open()
    seen = """() => {
      const one = document.activeElement;
      const near = [one, one.closest(".entry"), one.matches("input") && one.nextElementSibling];
      return near.some((node) => node && getComputedStyle(node).outlineStyle !== "none"
        && parseFloat(getComputedStyle(node).outlineWidth) >= 2);
    }"""
    for _ in range(14):
        page.keyboard.press("Tab")
        assert page.evaluate(seen), page.evaluate("document.activeElement.outerHTML")


def test_nothing_moves_where_that_is_not_wanted(visit, shop_site):
    page = visit(shop_site, reduced_motion="reduce").open()
    moving = """[...document.querySelectorAll("*")].filter((node) => {
      const style = getComputedStyle(node);
      return style.transitionDuration !== "0s" || style.animationName !== "none"
        || style.scrollBehavior === "smooth" }).length"""
    assert page.evaluate(moving) == 0


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_landmarks_a_name_and_one_first_heading(visit, shop_site, path):
    page = visit(shop_site).open(path)
    assert page.title().endswith("Acme skills")
    assert page.locator("html[lang=en]").count() == 1
    assert page.locator("h1").count() == 1
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    levels = page.evaluate(
        """[...document.querySelectorAll("h1,h2,h3,h4,h5,h6")]
        .filter((one) => one.checkVisibility()).map((one) => Number(one.tagName[1]))"""
    )
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("path", PATHS)
def test_everything_that_one_operates_has_a_name(visit, shop_site, path):
    page = visit(shop_site).open(path)
    nameless = """[...document.querySelectorAll("a, button, input, summary, nav, section, aside")]
      .filter((one) => one.checkVisibility() && !(one.ariaLabel || one.textContent.trim()
        || one.labels?.length || one.getAttribute("aria-labelledby")))
      .map((one) => one.outerHTML.slice(0, 100))"""
    assert page.evaluate(nameless) == []
