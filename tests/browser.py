"""A page in a real browser that no network can be reached from, and what is wrong with the page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-sync",
]
SCREENS = [(width, colours) for width in (1280, 390) for colours in ("light", "dark")]
"""A desk and a phone, by day and by night."""

needs_browser = pytest.mark.skipif(
    not shutil.which("chromium"), reason="needs chromium (apt-get install chromium)"
)

CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (colour) => [...channels(colour)].slice(0, 3).reduce((sum, value, channel) => {
    const share = value / 255;
    const linear = share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    return sum + [0.2126, 0.7152, 0.0722][channel] * linear;
  }, 0);
  const ground = (element) => {
    for (let place = element; place; place = place.parentElement) {
      const colour = getComputedStyle(place).backgroundColor;
      if (channels(colour)[3] === 255) return colour;
    }
    return "white";
  };
  const seen = new Map();
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const element = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || element.closest("svg, script, style, option")) continue;
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    const pair = [getComputedStyle(element).color, ground(element)];
    if (!seen.has(pair.join())) seen.set(pair.join(), [...pair, words.currentNode.data.trim().slice(0, 40)]);
  }
  return [...seen.values()].map(([ink, paper, words]) => {
    const [darker, lighter] = [light(ink), light(paper)].sort((a, b) => a - b);
    return [(lighter + 0.05) / (darker + 0.05), ink, paper, words];
  });
}"""
"""The contrast of each pair of colours of text and ground, by WCAG 2.2, with an example of the words."""

BROKEN_FIGURES = """() => [...document.querySelectorAll(".plate")].filter((plate) => {
  const box = plate.firstElementChild.getBoundingClientRect();
  const [, , width, height] = plate.firstElementChild.getAttribute("viewBox").split(" ").map(Number);
  const padding = 2 * Number.parseFloat(getComputedStyle(plate.firstElementChild).padding);
  const natural = ((box.width - padding) * height) / width + padding;
  const parts = [...plate.querySelectorAll("use")].map((use) => use.getAttribute("href"));
  const whole = parts.every((part) => document.querySelector(part));
  return box.width < 200 || Math.abs(box.height - natural) > 2 || !whole;
}).map((plate) => plate.parentElement.id)"""
"""Figures that are not shown, not in their proportions, or not whole."""

EMPTY_FORMULAS = """() => [...document.querySelectorAll("math")].filter((formula) => {
  const box = formula.getBoundingClientRect();
  return box.width < 2 || box.height < 4 || formula.querySelector("merror");
}).map((formula) => formula.textContent)"""

DEAD_LINKS = """async () => {
  const links = new Set([...document.querySelectorAll("a[href^='#']")].map((link) => link.hash));
  const dead = [];
  for (const link of links) {
    location.hash = link;
    await new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
    const box = document.getElementById(decodeURIComponent(link.slice(1)))?.getBoundingClientRect();
    if (!box || box.bottom < 0 || box.top > innerHeight || (!box.height && !box.top)) dead.push(link);
  }
  return [links.size, dead];
}"""
"""How many places are linked to, and those that a reader who follows the link does not see."""


@contextmanager
def start_browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def opened(
    browser: Browser, file: Path, width: int = 1280, colours: Any = "light", **options: Any
) -> Iterator[Page]:
    """The page, in a window of its own; it must ask for nothing and complain of nothing."""
    window = browser.new_context(
        offline=True, viewport={"width": width, "height": 800}, color_scheme=colours, **options
    )
    window.set_default_timeout(120_000)
    page = window.new_page()
    complaints: list[str] = []
    page.on("request", lambda request: complaints.append(request.url[:100]))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    yield page
    asked = {complaint for complaint in complaints if not complaint.startswith(("data:", "blob:"))}
    assert asked == {file.as_uri()}
    window.close()


def unfold(page: Page) -> None:
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")


def assert_readable(page: Page) -> None:
    """Nothing beyond the edge, words in contrast, figures and formulas there; details are opened."""
    unfold(page)
    wrong = {
        "scrollWidth": page.evaluate("Math.max(0, document.scrollingElement.scrollWidth - innerWidth)"),
        "contrast": [pair for pair in page.evaluate(CONTRAST) if pair[0] < 4.5],
        "figures": page.evaluate(BROKEN_FIGURES),
        "formulas": page.evaluate(EMPTY_FORMULAS),
    }
    assert not any(wrong.values()), wrong
