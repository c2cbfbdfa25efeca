"""The pages in a real browser: silent, alone, sortable, foldable, and fit for a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rescompile.api import open_spec
from rescompile.html import page

TEN = (
    "resnet18",
    "resnet34",
    "resnet50",
    "plain34",
    "vgg16",
    "mobilenet_v2",
    "googlenet",
    "densenet121",
    "efficientnet_b0",
    "unet",
)
PAGES = {"resnet34": ("resnet34",), "ten": TEN, "efficientnet_b7": ("efficientnet_b7",)}
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 640}
Open = Callable[..., Any]

# Elements that stand out of the page on its right, but for what scrolls by itself.
OUTSIDE = """
() => [...document.body.querySelectorAll("*")]
  .filter((one) => !one.closest(".scroll, .figure, pre, .skip"))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
  .map((one) => one.outerHTML.slice(0, 120))
"""
ROWS = "(table) => [...table.tBodies[0].rows].map((row) => row.cells[0].firstChild.textContent)"
UNFOLD = "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"


@cache
def text(name: str) -> str:
    return page([open_spec(spec) for spec in PAGES[name]])


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a page in a new context; when the test ends, nothing was logged or asked for."""
    heard: list[str] = []
    contexts = []

    def open(name: str, viewport: dict[str, int] = WIDE, **options: Any) -> Any:
        file = tmp_path / f"{name}.html"
        file.write_bytes(text(name).encode())
        contexts.append(browser.new_context(viewport=viewport, **options))
        made = contexts[-1].new_page()
        made.set_default_timeout(5_000)
        made.on("console", lambda message: heard.append(message.text))
        made.on("pageerror", lambda error: heard.append(str(error)))
        made.on("request", lambda asked: heard.append(asked.url))
        made.goto(file.as_uri())
        assert heard.pop(0) == file.as_uri()
        heard[:] = [one for one in heard if not one.startswith("data:image/svg+xml")]
        return made

    yield open
    for context in contexts:
        context.close()
    assert heard == []


every_page = pytest.mark.parametrize("name", PAGES)


@every_page
def test_a_page_says_nothing_and_asks_for_nothing(name: str, opened: Open) -> None:
    made = opened(name)
    made.evaluate(UNFOLD)
    images = made.locator("img")
    assert images.count() >= len(PAGES[name])
    drawn = "(all) => all.every((one) => one.complete && one.naturalWidth > 0)"
    assert images.evaluate_all(drawn)


@every_page
@pytest.mark.parametrize("media", ["screen", "print"])
def test_nothing_overflows_on_a_phone(name: str, media: str, opened: Open) -> None:
    made = opened(name, NARROW)
    made.emulate_media(media=media)
    if media == "screen":
        made.evaluate(UNFOLD)
        assert made.evaluate(OUTSIDE) == []
        assert made.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    else:
        made.set_viewport_size({"width": 720, "height": 1000})  # A4 within its margins
        assert made.evaluate("document.documentElement.scrollWidth") <= 720


def test_the_policy_is_in_force(browser: Any, tmp_path: Path) -> None:
    """What a hostile text would want: a style, a script, a request. All are refused."""
    file = tmp_path / "page.html"
    injected = "<p id=victim style='color: rgb(1, 2, 3)'>x</p><script>window.ran = true</script>"
    injected += "<img src='http://127.0.0.1:9/x.png'>"
    file.write_text(text("resnet34").replace("<main", f"{injected}<main", 1), "utf-8")
    made = browser.new_page()
    refused: list[str] = []
    made.on("console", lambda message: refused.append(message.text))
    made.goto(file.as_uri())
    assert made.evaluate("window.ran") is None
    assert made.evaluate("getComputedStyle(victim).color") != "rgb(1, 2, 3)"
    assert made.evaluate("fetch('data:,x').then(() => 'sent', () => 'refused')") == "refused"
    said = " ".join(refused)
    assert all(f"{kind}-src" in said for kind in ("script", "style", "img", "default"))
    made.close()


def caption(made: Any, id: str) -> Any:
    return made.locator(f"table:has(#{id})")


def test_columns_sort_both_ways_and_back(opened: Open) -> None:
    made = opened("resnet34")
    table = caption(made, "net-1-stage")
    order = table.evaluate(ROWS)
    head = table.get_by_role("columnheader", name="MACs", exact=True)
    button = head.get_by_role("button")
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    assert table.evaluate(ROWS)[:2] == ["layer3", "layer2"]
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert table.evaluate(ROWS)[:2] == ["head", "stem"]
    button.click()
    assert head.get_attribute("aria-sort") == "none"
    assert table.evaluate(ROWS) == order
    assert table.locator("tfoot th").inner_text() == "Total"


def test_cells_that_are_no_numbers_sort_by_what_they_mean(opened: Open) -> None:
    made = opened("resnet34")
    table = caption(made, "net-1-stage")
    by = {"Activations": "layer1", "Field": "head", "Output": "stem", "Stage": "stem"}
    for column, first in by.items():
        table.get_by_role("button", name=column, exact=True).click()
        assert table.evaluate(ROWS)[0] == first, column
    sorted_by = table.locator("[aria-sort=descending]")
    assert sorted_by.count() == 1


def test_sorting_works_by_keyboard_in_the_long_table(opened: Open) -> None:
    made = opened("efficientnet_b7")
    made.locator("summary", has_text="By layer").press("Enter")
    table = caption(made, "net-1-layer")
    button = table.get_by_role("button", name="Alive", exact=True)
    button.press("Enter")
    rows = table.evaluate(ROWS)
    assert len(rows) == 863
    assert rows[0] == "features.2.0.block.0.1"
    assert table.get_by_role("columnheader", name="Alive").get_attribute("aria-sort")


def test_folds_open_one_by_one_and_together(opened: Open) -> None:
    made = opened("resnet34")
    folds = made.locator("details")
    count = folds.count()
    opens = "(all) => all.filter((one) => one.open).length"
    assert folds.evaluate_all(opens) == 1
    made.locator("summary", has_text="By block").click()
    assert folds.evaluate_all(opens) == 2
    made.get_by_role("button", name="Unfold all").click()
    assert folds.evaluate_all(opens) == count
    made.get_by_role("button", name="Fold all", exact=True).click()
    assert folds.evaluate_all(opens) == 0


def test_a_link_unfolds_what_it_leads_to(opened: Open) -> None:
    made = opened("ten")
    network = made.locator("#net-5")
    assert network.get_attribute("open") is None
    made.locator("nav a", has_text="VGG-16").click()
    made.wait_for_function("document.getElementById('net-5').open")


def test_without_scripts_the_page_is_whole(opened: Open) -> None:
    made = opened("resnet34", java_script_enabled=False)
    assert made.get_by_role("button").count() == 0
    assert made.locator("summary", has_text="By layer").is_visible()
    assert not made.locator("#net-1-layer + thead").is_visible()
    made.locator("summary", has_text="By layer").click()
    assert made.locator("#net-1-layer + thead").is_visible()


def test_the_keyboard_reaches_the_skip_link_first(opened: Open) -> None:
    made = opened("resnet34")
    made.keyboard.press("Tab")
    assert made.evaluate("document.activeElement.className") == "skip"
    assert made.locator(".skip").bounding_box()["x"] >= 0
    made.keyboard.press("Enter")
    assert made.evaluate("document.activeElement.id") == "main"


def test_the_page_follows_the_theme_but_paper_is_white(opened: Open) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.body).color"
    light, dark = (opened("resnet34", color_scheme=theme) for theme in ("light", "dark"))
    assert light.evaluate(ground) != dark.evaluate(ground)
    dark.emulate_media(media="print", color_scheme="dark")
    assert dark.evaluate(ink) == light.evaluate(ink)
    assert dark.evaluate(ground) == "rgba(0, 0, 0, 0)"
    assert not dark.locator("nav").is_visible()


def test_copying_takes_the_source_as_it_is(browser: Any, tmp_path: Path) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    made = context.new_page()
    file = tmp_path / "page.html"
    file.write_text(text("resnet34"), "utf-8")
    made.goto(file.as_uri())
    made.evaluate(UNFOLD)
    made.get_by_role("button", name="Copy").last.click()
    made.get_by_role("button", name="Copied").wait_for()
    last = made.locator("pre.code").last.text_content()
    assert made.evaluate("navigator.clipboard.readText()") == last
    context.close()
