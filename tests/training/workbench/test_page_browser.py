"""The analyst's morning by keyboard, the engineer's hour and the manager's minute, in a real browser."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.lambda_.browser import DESK, PHONE, chromium, is_wider_than_the_screen, least_contrast
from tests.live_aws import status
from tests.processes import PATIENCE
from tests.training.workbench.conftest import Site
from training.workbench.pages import Workbench
from training.workbench.safety import Keys

pytestmark = pytest.mark.needs("chromium")
expect.set_options(timeout=PATIENCE * 1000)
VIEWS = ("/?all=1", "/?verdict=no+verdict&flat=1", "/threshold?t=50", "/overview", "/nothing")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@contextmanager
def served(bench: Workbench) -> Iterator[str]:
    """Serve the page as the command does; yield the link that it prints."""
    listening = socket.create_server(("127.0.0.1", 0))
    bench.keys = Keys(listening.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(bench.app(), log_level="warning", ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{bench.keys.port}/?token={bench.keys.token}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


@contextmanager
def opened(browser: Browser, bench: Workbench) -> Iterator[tuple[Page, list[str]]]:
    complaints: list[str] = []
    with served(bench) as link:
        context = browser.new_context(viewport=DESK, accept_downloads=True)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(link)
        yield page, complaints
        context.close()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_the_morning_by_keyboard(browser: Browser, site: Site) -> None:
    with opened(browser, site.bench) as (page, complaints):
        assert page.url.endswith("/?verdict=no+verdict"), "the token is gone from the address"
        rows, said = page.locator("tr[data-row]"), page.get_by_role("status")
        expect(rows).to_have_count(5)

        press(page, "?")
        expect(page.get_by_role("dialog")).to_be_visible()
        press(page, "Escape", "j")
        expect(rows.first).to_have_class("at")
        press(page, "Enter")
        expect(page.get_by_role("heading", name="How the score adds up")).to_be_visible()
        press(page, "u")
        expect(said).to_contain_text("1 unintended: it stays active")
        expect(rows).to_have_count(4)

        single = page.locator("tr[data-row]", has_text="222222222222").first
        single.locator("[data-open]").focus()
        press(page, "n")
        page.keyboard.type("e for expected")
        press(page, "Escape", "e")
        expect(said).to_contain_text("1 expected: archived")
        expect(rows).to_have_count(3)
        press(page, "z")
        expect(said).to_contain_text("1 taken back: the finding is active again")
        expect(rows).to_have_count(4)

        press(page, "/")
        page.keyboard.type("555566667777")
        press(page, "Enter")
        expect(rows).to_have_count(1)
        press(page, "j", "e")
        expect(page.get_by_role("heading", name="4 findings: expected?")).to_be_visible()
        assert sum(one.label is not None for one in site.log.all_decisions()) == 1
        page.get_by_role("button", name="Give 4 verdicts").press("Enter")
        expect(said).to_contain_text("4 expected: archived")
        assert sum(one.label is not None for one in site.log.all_decisions()) == 5

        page.goto(page.url.partition("?")[0] + "?verdict=expected")
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        assert len(download.value.path().read_text().splitlines()) == 5
        expected = [one for one in site.bench.held.findings if one.label and one.label.verdict == "expected"]
        assert {status(site.aws, one.key) for one in expected} == {"ARCHIVED"}
        assert complaints == []


def test_the_hour_and_the_minute(browser: Browser, site: Site) -> None:
    with opened(browser, site.bench) as (page, complaints):
        page.get_by_role("link", name="Threshold").click()
        slider = page.get_by_role("slider")
        slider.focus()
        press(page, "End")
        expect(page.get_by_text("7 of 8 (87.5 %)")).to_be_visible()
        expect(page.get_by_role("heading", name="7 findings would change sides")).to_be_visible()
        page.get_by_role("link", name="Overview").click()
        expect(page.get_by_role("heading", name="Look at these first")).to_be_visible()
        assert complaints == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_view_is_readable(browser: Browser, site: Site, scheme: Literal["light", "dark"]) -> None:
    with opened(browser, site.bench) as (page, _):
        page.emulate_media(color_scheme=scheme)
        home = page.url.partition("?")[0]
        finding = f"finding?id={site.bench.held.findings[0].key}"
        for view in (*VIEWS, f"/{finding}"):
            for size in (DESK, PHONE):
                page.set_viewport_size(size)
                answer = page.goto(home + view.removeprefix("/"))
                assert answer is not None
                assert len(answer.body()) < 300_000
                assert not is_wider_than_the_screen(page), (view, size)
                ratio, text = least_contrast(page)
                assert ratio >= 4.5, (view, size, text)
                found = Axe().run(page).response["violations"]
                assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], (view, size)
