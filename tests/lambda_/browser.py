"""A real browser, the machine's own Chromium, driven by Playwright; and what is measured in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.conftest import TOOLS
from tests.processes import PATIENCE

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = ViewportSize(width=390, height=844)
SMALL = ViewportSize(width=320, height=640)
DESK = ViewportSize(width=1280, height=900)

# The least contrast of any text with what lies behind it (WCAG 2.2, relative luminance), with that text.
_CONTRAST = """() => {
  const channels = color => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = channels(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  let least = [99, ''];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
    if (!own || element.closest('svg')) continue;
    const [a, b] = [channels(getComputedStyle(element).color), behind(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0]) least = [ratio, own];
  }
  return least;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, TOOLS["chromium"].programs)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS, timeout=PATIENCE * 1000)
        yield browser
        browser.close()


def least_contrast(page: Page) -> tuple[float, str]:
    ratio, text = page.evaluate(_CONTRAST)
    return float(ratio), str(text)


def is_wider_than_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def tab_order(page: Page, most: int = 20) -> list[str]:
    """What the tab key comes to, one after the other, each by its name."""
    page.evaluate("document.activeElement.blur()")
    names: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(e => e === document.body ? '' : e.labels?.length ? e.labels[0].innerText : e.innerText)"
            "(document.activeElement)"
        )
        if not name or name in names:
            break
        names.append(name)
    return names
