"""The page in a real browser: in light and dark, on a telephone, by keyboard and on paper."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pairsmith.interfaces import Run
from pairsmith_report.options import HtmlOptions
from pairsmith_report.page import HtmlReporter

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

LIGHTNESS = """colour => {
  const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}"""
CONTRASTS = f"""() => {{
  const light = {LIGHTNESS};
  const ground = element => {{
    for (let one = element; one; one = one.parentElement) {{
      const colour = getComputedStyle(one).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }}
    return 'rgb(255, 255, 255)';
  }};
  const worst = {{}};
  for (const element of document.querySelectorAll('body *:not(title)')) {{
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
    const style = getComputedStyle(element);
    const ink = element.closest('svg') ? style.fill : style.color;
    if (!/^rgb/.test(ink)) continue;
    const [a, b] = [light(ink), light(ground(element))].sort((x, y) => y - x);
    worst[`${{element.tagName}}.${{element.getAttribute('class')}} ${{ink}} on ${{ground(element)}}`] = (a + 0.05) / (b + 0.05);
  }}
  return worst;
}}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def opened(browser: Any, make_run: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    run = make_run(60)
    (path,) = HtmlReporter(HtmlOptions(pairs=3), Run(directory=run.directory, images=None)).report(run)  # type: ignore[arg-type]
    pages = []

    def visit(**how: Any) -> Any:
        page = browser.new_page(**how)
        page.said = []
        page.asked = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield visit
    for page in pages:
        page.close()


def test_it_loads_alone_and_without_complaint(opened: Callable[..., Any]) -> None:
    page = opened()
    assert page.said == []
    assert [url for url in page.asked if not url.startswith("data:")] == [page.url]
    assert page.locator("h1").inner_text() == "toyworld-decompgen"
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert page.locator("article img").count() == 3
    assert all(box["height"] > 100 for box in (one.bounding_box() for one in page.locator("figure > svg").all()))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(opened: Callable[..., Any], scheme: str) -> None:
    worst = opened(color_scheme=scheme).evaluate(CONTRASTS)
    assert len(worst) > 20
    assert {where: round(ratio, 2) for where, ratio in worst.items() if ratio < 4.5} == {}


def test_dark_is_dark(opened: Callable[..., Any]) -> None:
    shades = [
        opened(color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert shades == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]


@pytest.mark.parametrize("width", [320, 400, 800, 1600])
def test_no_screen_is_too_narrow(opened: Callable[..., Any], width: int) -> None:
    page = opened(viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_claim_opens_by_keyboard(opened: Callable[..., Any]) -> None:
    page = opened()
    claim = page.locator(".claims summary").first
    assert not page.locator(".claims .opinions").first.is_visible()
    claim.focus()
    page.keyboard.press("Enter")
    assert page.locator(".claims .opinions").first.is_visible()


def test_the_first_tab_leads_past_the_header(opened: Callable[..., Any]) -> None:
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"


def test_it_prints_on_white(opened: Callable[..., Any]) -> None:
    page = opened(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")
