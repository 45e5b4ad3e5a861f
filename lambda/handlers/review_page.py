"""The review page: a function URL on which an alert is answered. Only confirming changes anything."""

import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from handlers.review import http, settings
from handlers.review.http import Request, TooLong
from handlers.review.settings import PageClients, PageSettings
from handlers.runtime import logs, metrics
from scoring.decision_log import similar
from scoring.files.errors import BadInput
from scoring.review import answer as answering
from scoring.review import page as review_page
from scoring.review import page_content
from scoring.review.answer import Busy, LinkState, OpenLink
from scoring.review.links import Expired, Forged, Link, Links
from scoring.review.page_content import LONGEST_NOTE, Page, Problem

logger = logging.getLogger(__name__)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Handle a request of a function URL (payload format 2.0).

    Returns
    -------
    dict
        The response; whatever goes wrong it is a page, and the function's log says what it was.
    """
    if logs.is_lambda():
        logs.configure(context)
    is_head = False
    try:
        given = settings.read(os.environ)
        request = http.read(event, given.review_auth, given.review_url)
        is_head = request.method == "HEAD"
        answer = _answer(request, given)
    except Exception:
        # Whoever asks gets a page and no traceback; what has been written is finished by asking again.
        logger.exception("the review page failed")
        if logs.is_lambda():
            metrics.emit([("Errors", 1)])
        answer = page_content.problem("failed")
    if isinstance(answer, str):
        return http.see_other(answer)
    html = page_content.to_html(answer)
    return http.response(answer.status, html, is_head=is_head)


def _answer(request: Request, given: PageSettings) -> Page | str:
    """Return a page, or the token of the one to go on with."""
    if given.review_auth == "AWS_IAM" and not request.signed_in:
        return page_content.problem("refused")
    if request.method not in ("GET", "HEAD", "POST"):
        return page_content.problem("method")
    page, now = settings.clients(given), datetime.now(UTC)
    try:
        links, link = _read(request.token, page, now)
    except Forged:
        return page_content.problem("forged")
    except Expired as expired:
        return page_content.problem("expired", expired.link)
    problem = _objection(request)
    if problem is not None:
        return page_content.problem(problem, link)
    try:
        answering.admit(link, page.log, now)
    except Busy:
        return page_content.problem("busy", link)
    state = answering.link_state(link, page.log)
    if request.method == "POST" and isinstance(state, answering.Answerable):
        try:
            done = answering.answer(
                state, request.who, request.field("note"), page.log, lambda: page.analyzers, now
            )
        except BadInput:
            state = answering.link_state(link, page.log)
        else:
            logger.info("a review link was used", extra=_said(link, request))
            return links.token(done)
    return _show(state, page, links, request, given)


def _read(token: str, page: PageClients, now: datetime) -> tuple[Links, Link]:
    """Read a token; with the keys read again where it does not hold, since they may have been changed."""
    links = page.keys.links()
    try:
        return links, links.read(token, now)
    except Forged:
        newer = page.keys.newer()
        if newer is None:
            raise
        return newer, newer.read(token, now)


def _objection(request: Request) -> Problem | None:
    """Say what speaks against a confirmation, before anything is looked up."""
    if request.method != "POST":
        return None
    if not request.is_same_origin:
        return "cross-site"
    try:
        return "note" if len(request.field("note")) > LONGEST_NOTE else None
    except TooLong:
        return "note"


def _said(link: Link, request: Request) -> dict[str, Any]:
    who = request.who
    return {
        "finding_id": link.finding_id,
        "action": link.action,
        "by": who.name,
        "is_verified": who.is_verified,
        "address": who.origin.address,
    }


def _show(state: LinkState, page: PageClients, links: Links, request: Request, given: PageSettings) -> Page:
    policy = settings.policy_now(given, os.environ)
    past: tuple[Any, ...] = ()
    if isinstance(state, OpenLink):
        past = similar.nearest(page.log, state.decision.case, state.link.item)
    return review_page.page(state, policy, links, request.who, past)
