"""The review page in a real browser, at phone and desk width, light and dark, with scripts turned off."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lambda_.browser import (
    DESK,
    PHONE,
    SMALL,
    chromium,
    is_wider_than_the_screen,
    least_contrast,
    tab_order,
)
from tests.lambda_.deployment import Deployment
from tests.lambda_.review_site import server, site, tokens
from tests.processes import PATIENCE

pytestmark = pytest.mark.needs("chromium")

expect.set_options(timeout=PATIENCE * 1000)

_STATUS = "the server responded with a status of 4"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def address(here: Deployment) -> Iterator[str]:
    with server() as url, site(here, url):
        yield url


TAGS = {"Owner": "payments", "Environment": "production"}
CONFIDENTIAL = {**TAGS, "Data Classification": "Confidential"}


def alert(
    here: Deployment, tags: Mapping[str, str] = CONFIDENTIAL, **more: Any
) -> tuple[str, dict[str, str]]:
    """A finding that alerts, and the addresses in its mail."""
    finding_id = here.share(here.key(dict(tags)), **more)
    [mail] = [mail.text for mail in here.mails() if finding_id in mail.text]
    return finding_id, tokens(mail)


def open_page(browser: Browser, url: str, **how: Any) -> tuple[Page, list[str]]:
    """A page with scripts turned off, and a list of what it complains of and asks other places for."""
    page = browser.new_context(java_script_enabled=False, **how).new_page()
    page.set_default_timeout(PATIENCE * 1000)
    troubles: list[str] = []
    page.on("console", lambda told: None if _STATUS in told.text else troubles.append(told.text))
    page.on("request", lambda request: troubles.append(request.url) if url not in request.url else None)
    return page, troubles


def look(page: Page, name: str) -> None:
    """Keep a picture, where somebody wants to look at them (PICTURES=folder)."""
    if folder := os.environ.get("PICTURES"):
        size = page.viewport_size
        scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
        page.screenshot(path=Path(folder, f"{name}-{size and size['width']}-{scheme}.png"), full_page=True)


def test_from_the_mail_to_the_verdict_and_back(here: Deployment, address: str, browser: Browser) -> None:
    finding_id, links = alert(here, TAGS)
    page, troubles = open_page(browser, address, viewport=PHONE)
    page.goto(f"{address}/{links['expected']}")
    expect(page).to_have_title(
        f"Is it expected?: KMS key {_key(here, finding_id)} is shared with account 444455556666"
    )
    page.get_by_label("Note").fill("the partner's key\n<b>&\u202e")
    page.get_by_role("button", name="Confirm: expected").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recorded: expected")
    expect(page.get_by_text("the partner's key <b>&\\u202e")).to_be_visible()
    assert here.status(finding_id) == "ARCHIVED"

    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recorded: expected")
    recorded = page.url
    page.goto(f"{address}/{links['expected']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Decided already: expected")
    assert page.get_by_role("button").count() == 0

    page.goto(recorded)
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Taken back: expected")
    assert here.status(finding_id) == "ACTIVE"
    page.get_by_role("link", name="Say that it is unintended").click()
    page.get_by_role("button", name="Confirm: unintended").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recorded: unintended")
    expect(page.get_by_role("heading", name="What to do about it")).to_be_visible()
    assert here.status(finding_id) == "ACTIVE"
    assert troubles == []


def _key(here: Deployment, finding_id: str) -> str:
    return here.aws.findings.get(finding_id).resource.rsplit("/", 1)[1]


def test_the_other_verdict_is_one_link_away(here: Deployment, address: str, browser: Browser) -> None:
    finding_id, links = alert(here)
    page, troubles = open_page(browser, address, viewport=DESK)
    page.goto(f"{address}/{links['expected']}")
    page.get_by_role("link", name="No, it is unintended").click()
    expect(page, "the link of the mail, not a fresher one").to_have_url(f"{address}/{links['unintended']}")
    page.get_by_role("button", name="Confirm: unintended").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recorded: unintended")
    [item] = [item for item in here.items(finding_id) if "label" in item]
    assert "Chrome" in item["label"]["origin"]["agent"]
    assert troubles == []


def test_another_site_cannot_confirm(here: Deployment, address: str, browser: Browser) -> None:
    finding_id, links = alert(here)
    page = browser.new_page()
    form = f'<form method="post" action="{address}/{links["expected"]}"><button>win</button></form>'
    page.route("http://evil.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto("http://evil.example/")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not confirmed")
    page.route(
        "http://frame.example/",
        lambda route: route.fulfill(
            body=f'<iframe src="{address}/{links["expected"]}"></iframe>', content_type="text/html"
        ),
    )
    page.goto("http://frame.example/")
    assert page.frame_locator("iframe").get_by_role("button").count() == 0, "it cannot be framed"
    assert here.status(finding_id) == "ACTIVE"


def test_a_screen_reader_is_told_the_same(here: Deployment, address: str, browser: Browser) -> None:
    """Landmarks, headings in their order, labels, and a button that says what it does."""
    _, links = alert(here)
    page, _ = open_page(browser, address, viewport=DESK)
    page.goto(f"{address}/{links['expected']}")
    heard = page.locator("body").aria_snapshot()
    for said in (
        "- main:",
        '- region "Is it expected?":',
        '- heading "Is it expected?" [level=2]',
        '- textbox "Note"',
        """- 'button "Confirm: expected"'""",
        '- region "How the score adds up":',
        '- columnheader "Points"',
        '- row "+34.0 the principal is a stranger (AWS)"',
        '- region "Needs a person":',
    ):
        assert said in heard, said
    levels = [int(h.evaluate("e => e.tagName[1]")) for h in page.get_by_role("heading").all()]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert set(levels[1:]) == {2}
    expect(page.get_by_label("Note")).to_have_accessible_description(
        "Optional: why. It is kept with the verdict."
    )
    assert page.locator("html").get_attribute("lang") == "en"
    assert tab_order(page) == [
        "Open in the AWS console",
        "Note",
        "Confirm: expected",
        "No, it is unintended",
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_page_can_be_read(
    here: Deployment, address: str, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    """At any width, without scrolling sideways, with contrast, and with a button that a thumb finds."""
    _, past = alert(here, principal="999988887777")
    page, troubles = open_page(browser, address, color_scheme=scheme)

    def check(name: str, title: str) -> None:
        expect(page).to_have_title(re.compile(f"^{re.escape(title)}"))  # a click does not wait for its page
        page.wait_for_load_state()
        for size in (PHONE, DESK, SMALL):
            page.set_viewport_size(size)
            assert not is_wider_than_the_screen(page), (name, size)
            look(page, name)
        ratio, text = least_contrast(page)
        assert ratio >= 4.5, (name, ratio, text)
        for button in page.get_by_role("button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44

    page.goto(f"{address}/{past['unintended']}")
    check("unintended", "Is it unintended?")
    page.get_by_label("Note").fill("not a partner of ours")
    page.get_by_role("button").click()
    check("recorded-unintended", "Recorded")
    page.goto(f"{address}/{past['expected']}")
    check("decided-already", "Decided already")

    here.clock.pass_by(minutes=20)
    here.reconcile()
    _, links = alert(here, principal="999988887777", action=["kms:*"])
    page.goto(f"{address}/{links['expected']}")
    expect(page.get_by_role("region", name="Similar past decisions")).to_contain_text("not a partner of ours")
    check("expected", "Is it expected?")
    page.get_by_role("button").click()
    check("recorded-expected", "Recorded")
    page.get_by_role("button").click()
    check("taken-back", "Taken back")
    page.goto(f"{address}/nonsense")
    check("forged", "This link is not valid")
    here.clock.pass_by(days=15)
    page.goto(f"{address}/{links['expected']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("This link has expired")
    check("expired", "This link has expired")
    assert troubles == []
