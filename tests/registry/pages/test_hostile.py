"""Strangers' texts in a real browser: nothing of them acts, and all of them are seen."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from headrace_registry.catalogue import AuditFinding, ReleaseFile
from headrace_skills.needs import Needs

from .conftest import Watched
from .samples import catalogue, hexa, package, release, skill, write_site

ATTACKS = {
    "script": "<script>self.owned=1</script>",
    "handler": "<img src=x onerror=self.owned=1>",
    "svg": "<svg onload=self.owned=1>",
    "leaves-attribute": '" autofocus onfocus=self.owned=1 x="',
    "leaves-quote": "' onmouseover='self.owned=1",
    "ends-script": "</script></title></textarea></code></pre><script>alert(1)</script>",
    "template": "{{ 7 * 7 }}{% set owned = 1 %}${self.owned=1}",
    "frame": "<iframe srcdoc='<script>top.owned=1</script>'></iframe><base href=//a.example>",
    "style": "<style>*{display:none}</style><link rel=stylesheet href=//a.example/x>",
    "comment": "<!-- --!><script>self.owned=1</script>",
    "meta": "<meta http-equiv=refresh content='0;url=https://a.example'>",
    "data-end": '"}]};self.owned=1;//\u2028self.owned=1',
    "entity": "&lt;script&gt;self.owned=1&lt;/script&gt;&#60;b&#62;",
    "markdown": "[x](javascript:self.owned=1) ![x](https://a.example/x.png) <javascript:alert(1)>",
}


def poisoned(text, name):
    """Packages with the text in every field that a stranger may fill."""
    finding = AuditFinding(text, text, text, 3, text)
    one = skill(
        text,
        text,
        path=text,
        digest=text,
        version=text,
        license=text,
        compatibility=text,
        scripts=(text,),
        needs=Needs((text,), (text,), (text,), (text,)),
        findings=(finding,),
        broken=text,
    )
    wheel = ReleaseFile(f"{text}.whl", 5, text, text, text)
    made = release(
        "victim",
        skills=(one,),
        plugins=((text, text, text), ("tools", text, text)),
        summary=text,
        license=text,
        requires_python=text,
        requires=(text,),
        extras=(text,),
        keywords=(text,),
        files=(wheel,),
    )
    old = release("victim", "0.9", yanked=text, summary=text)
    return (
        package(f"victim-{name}", made, old),
        package(f"kept-{name}", reserved=text),
        package(f"gone-{name}", release(f"gone-{name}", yanked=text, summary=text)),
    )


def as_seen(text):
    """The text as a page is to show it, on one line."""
    return " ".join(text.replace("\u2028", "⟨U+2028⟩").split())


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One registry with all attacks; each is its title once, too."""
    folder = tmp_path_factory.mktemp("poisoned")
    packages = [one for name, text in ATTACKS.items() for one in poisoned(text, name)]

    def texts(one, *_):
        text = ATTACKS[one.name.removeprefix("victim-")]
        return f"# {text}\n\n{text}\n\n    {text}\n"

    for name, text in ATTACKS.items():
        write_site(folder / name, catalogue(*packages, title=text), texts)
    return folder


@pytest.fixture(scope="module")
def one_window(browser, site):
    context = browser.new_context()
    yield Watched(context, site.as_uri())
    context.close()


@pytest.fixture
def window(one_window):
    """A window for a whole module; nothing may go wrong in it in any test."""
    yield one_window
    wrong, requests = list(one_window.wrong), set(one_window.requests)
    one_window.wrong.clear()
    one_window.requests.clear()
    assert wrong == []
    assert {url for url in requests if not url.startswith(one_window.site)} == set()


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize(
    "path", ["index", "browse/1", "packages/victim-", "packages/kept-", "packages/gone-"]
)
def test_a_text_does_nothing_and_is_shown(window, name, path):
    whole = f"{path}{name}" if path.endswith("-") else path
    page = window.open(f"{name}/{'index.html' if path == 'index' else f'{whole}/index.html'}")
    assert page.evaluate("self.owned") is None
    assert page.locator("iframe, base, object, embed, style, svg, [style]").count() == 0
    assert page.locator("script:not([src]), [http-equiv=refresh]").count() == 0
    assert as_seen(ATTACKS[name]) in as_seen(page.evaluate("document.body.innerText"))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_result_of_the_search_does_nothing_and_is_shown(window, name):
    page = window.open(f"{name}/index.html")
    shown = window.search(f"victim {name}")
    assert page.evaluate("self.owned") is None
    assert as_seen(ATTACKS[name]) in map(as_seen, shown)
    assert page.locator("#results").locator("img, script, iframe, svg, style, base").count() == 0


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_typed_and_what_is_in_the_address_does_nothing(window, name):
    page = window.open("script/index.html")
    page.fill("#words", ATTACKS[name])
    page.locator("#count", has_text="ound").wait_for()
    assert page.evaluate("self.owned") is None
    said = urlencode({"q": ATTACKS[name], "kind": ATTACKS[name]})
    page = window.open("script/index.html?anew")  # another page: the address is read at the start
    page = window.open(f"script/index.html#{said}")
    page.locator("#count", has_text="ound").wait_for()
    assert page.evaluate("self.owned") is None


def test_a_script_that_gets_in_all_the_same_is_not_run(visit, tmp_path):
    site = write_site(tmp_path, catalogue(package("a")))
    index = site / "index.html"
    index.write_text(
        index.read_text().replace(
            "</h1>", "</h1><script>self.owned=1</script><b onclick='self.owned=1' id=b>b</b>"
        )
    )
    window = visit(site.as_uri())
    page = window.open()
    page.click("#b")
    assert page.evaluate("self.owned") is None
    assert len([said for said in window.wrong if "Content Security Policy" in said]) == 2
    window.wrong.clear()


def test_html_that_a_script_would_set_is_refused(visit, shop_site):
    window = visit(shop_site)
    page = window.open()
    refused = page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return false } catch { return true } }"
    )
    assert refused
    window.wrong.clear()


def test_a_file_s_name_leads_into_its_package_s_folder_only(visit, tmp_path):
    names = ("../../../evil.whl", "a/b.whl", "?x.whl", "#x.whl", "javascript:x.whl", "a b%2f.whl")
    wheels = tuple(ReleaseFile(one, 5, hexa(one), "", "2026-01-01T00:00:00Z") for one in names)
    site = write_site(tmp_path, catalogue(package("victim", files=wheels)))
    page = visit(site.as_uri()).open("packages/victim/index.html")
    leads = page.evaluate("[...document.querySelectorAll('.file a')].map(a => a.href)")
    folder = f"{site.as_uri()}/files/victim/"
    assert len(leads) == len(names)
    for lead in leads:
        assert lead.startswith(folder)
        assert not set("/?#") & set(lead.removeprefix(folder))


def test_a_text_that_would_turn_its_surroundings_round_is_held(visit, tmp_path):
    turned = "\u202egnp.exe \u2067 safe"
    site = write_site(tmp_path, catalogue(*poisoned(turned, "x"), title=turned))
    window = visit(site.as_uri())
    for path in ("index.html", "packages/victim-x/index.html", "packages/kept-x/index.html"):
        page = window.open(path)
        html = page.content()
        assert "⟨U+202E⟩gnp.exe ⟨U+2067⟩ safe" in html
        assert not set("\u202e\u2067") & set(html)
    window.open()
    window.search("victim")
    assert "⟨U+202E⟩gnp.exe" in window.page.locator("#results h3 a").first.inner_text()
