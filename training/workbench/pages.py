"""The server of the page: each address is one view of what is held; writing needs a form of ours."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scoring.cli.output.decisions import WRITERS
from scoring.decision.decide import read_decision
from scoring.decision_log import similar
from scoring.explanation.content import Explanation
from scoring.explanation.explain import explanation
from scoring.explanation.render import page
from scoring.explanation.safe_text import visible
from scoring.explanation.words import moment
from scoring.files.errors import BadInput
from scoring.policy.policy import Policy
from scoring.review import bulk
from scoring.review import verdict as review
from scoring.review.verdict import Verdict
from training.workbench import waterfall
from training.workbench.held import Held, HeldFinding
from training.workbench.queue import FACETS, SORTS, Index, Query, QueueView, queue_view, read_query
from training.workbench.safety import Keys, Refused, headers, refusal
from training.workbench.verdicts import Desk

if TYPE_CHECKING:
    from training.workbench.moved_threshold import Backlog

_TEMPLATES: Final = Path(__file__).parent / "templates"
_KEPT: Final = 64  # views of the queue that are remembered
_VERDICTS: Final[dict[str, Verdict]] = {"expected": "expected", "unintended": "unintended"}

Answer = Callable[[Request], Awaitable[Response]]


@dataclass
class Workbench:
    """What the pages work on.

    Attributes
    ----------
    desk : Desk or None
        Gives verdicts; None where the page only reads.
    """

    held: Held
    keys: Keys
    desk: Desk | None = None
    views: dict[tuple[int, Query], QueueView] = field(default_factory=dict)
    style: str = ""
    script: str = ""
    _open: tuple[int, int] | None = None
    _backlog: tuple[int, Backlog] | None = None

    def __post_init__(self) -> None:
        self.index = Index(self.held.findings)
        self.held.changed.append(self.index.update)
        self.style = (_TEMPLATES / "workbench.css").read_text(encoding="utf-8")
        self.script = (_TEMPLATES / "workbench.js").read_text(encoding="utf-8")

    @property
    def policy(self) -> Policy:
        """The policy behind the words."""
        return self.held.settings.policy

    def app(self) -> ASGIApp:
        """Return the server."""
        routes = [
            Route("/", self.queue),
            Route("/finding", self.finding),
            Route("/threshold", self.threshold),
            Route("/overview", self.overview),
            Route("/export.csv", self.export),
            Route("/export.jsonl", self.export),
            Route("/verdicts", self.verdicts, methods=["POST"]),
            Route("/favicon.ico", _no_picture),
            Route("/undo", self.undo, methods=["POST"]),
        ]
        refused = {Refused: _refused, BadInput: self._bad_input, 404: self._not_found}
        return Gate(Starlette(routes=routes, exception_handlers=refused), self)

    def view(self, query: Query) -> QueueView:
        """Work out a view, or return the one that was worked out before."""
        key = (self.held.revision, query)
        if key not in self.views:
            while len(self.views) >= _KEPT:
                self.views.pop(next(iter(self.views)))
            self.views[key] = queue_view(self.held, self.index, query)
        return self.views[key]

    def render(self, name: str, *, status: int = 200, **values: Any) -> Response:
        """Fill in a page, with what every page has."""
        text = page(
            _TEMPLATES / f"{name}.html.j2",
            here=name,
            source=visible(self.held.name, 200),
            total=len(self.held.findings),
            open_count=self._open_count(),
            form_token=self.keys.form_token,
            can_write=self.desk is not None,
            style=self.style,
            script=self.script,
            **values,
        )
        return HTMLResponse(text, status)

    def _open_count(self) -> int:
        """Return how many findings wait for a verdict: alerts that nobody has answered."""
        if self._open is None or self._open[0] != self.held.revision:
            self._open = self.held.revision, len(self._waiting())
        return self._open[1]

    def _waiting(self) -> list[int]:
        findings = self.held.findings
        return [
            number
            for number in self.index.order["risk"]
            if findings[number].decision.outcome == "alert" and findings[number].label is None
        ]

    async def queue(self, request: Request) -> Response:
        """The queue, filtered as the address says."""
        if not request.query_params and self.held.log is not None:
            return RedirectResponse("/?verdict=no+verdict", status_code=303)
        query = read_query(request.query_params.multi_items())
        view = self.view(query)
        done = request.query_params.get("done", "")
        batch = self.desk.batch(int(done)) if self.desk and done.isascii() and done.isdigit() else None
        return self.render(
            "queue",
            view=view,
            query=query,
            here_address=query.address(),
            facets=FACETS,
            sorts=SORTS,
            batch=batch,
            group=self.held.get(query.group) if query.group else None,
        )

    async def finding(self, request: Request) -> Response:
        """One finding: its explanation, how the score adds up, what became of it."""
        one = self.held.get(request.query_params.get("id", ""))
        if one is None:
            return self._not_found(request, None)
        found = waterfall.steps(one.decision)
        return self.render(
            "finding",
            one=one,
            e=self._explained(one),
            steps=list(zip(found, waterfall.bars(found), strict=True)),
            mark=waterfall.mark(found, one.decision.threshold),
            events=self._timeline(one),
            back=_back(request.query_params.get("back", "")),
        )

    async def threshold(self, request: Request) -> Response:
        """What another threshold does to what is held."""
        try:
            from training.workbench.moved_threshold import curve, move
        except ModuleNotFoundError as error:
            needs = f"needs the train extra, {error.name} is missing: pip install 'access-triage[ui,train]'"
            return self.render("message", title="The threshold", text=needs, status=501)
        found = await run_in_threadpool(self._turning)
        asked = _points(request.query_params.get("t", ""))
        current = found.current
        at = asked if asked is not None else current if current is not None else 0
        moved = move(found, at)
        top = int(max([at, *found.scores.tolist(), 100]) // 10 + 1)
        drawn = curve(found)
        changes = moved.changes.to_dict("records")
        return self.render(
            "threshold",
            moved=moved,
            at=at / 10,
            current=None if current is None else current / 10,
            top=top,
            line=" ".join(
                f"{600 * t / top:.1f},{140 - 130 * share:.1f}" for t, share in drawn if 0 <= t <= top
            ),
            place=600 * at / 10 / top,
            changes=changes,
            is_blind=self.held.log is not None and bool(self.policy.archives.draws),
            model=self.held.settings.card.model,
        )

    async def overview(self, _: Request) -> Response:
        """What is open, what was decided, and where most of it is."""
        findings = self.held.findings
        waiting = self._waiting()
        given = Counter(one.label.verdict for one in findings if one.label)
        hours = sorted(
            (one.label.at - datetime.fromisoformat(one.logged.decided_at)).total_seconds() / 3600
            for one in findings
            if one.label and one.logged and one.logged.decided_at
        )
        tables = {
            facet: self.index.counts(facet, waiting).most_common(8)
            for facet in ("severity", "type", "account", "team", "principal", "guardrail")
        }
        return self.render(
            "overview",
            numbers=[
                ("open alerts", f"{len(waiting):,}"),
                ("called expected", f"{given['expected']:,}"),
                ("called unintended", f"{given['unintended']:,}"),
                ("median time to a verdict", _hours(hours)),
            ],
            tables=tables,
            top=[findings[number] for number in waiting[:8]],
        )

    async def export(self, request: Request) -> Response:
        """All that the address's filter leaves, as CSV or as records, in the order shown."""
        found = self.view(read_query(request.query_params.multi_items())).found
        is_csv = request.url.path.endswith(".csv")
        out = io.BytesIO()
        WRITERS["csv" if is_csv else "records"](((one.case, one.decision) for one in found), out, self.policy)
        name = "findings.csv" if is_csv else "findings.jsonl"
        kind = "text/csv; charset=utf-8" if is_csv else "application/x-ndjson"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(out.getvalue(), media_type=kind, headers=disposition)

    async def verdicts(self, request: Request) -> Response:
        """Give one verdict at once; say first what several would do."""
        pairs = await self.keys.read_form(request)
        desk = self._desk()
        form = dict(pairs)
        verdict = _VERDICTS.get(form.get("verdict", ""))
        if verdict is None:
            raise BadInput("expected expected or unintended", field="verdict")
        back, note = _back(form.get("back", "")), form.get("note", "").strip()
        chosen = self._chosen(pairs, back)
        if not chosen:
            raise BadInput("expected findings that wait in a log: mark one first", field="findings")
        if len(chosen) > 1 and form.get("confirmed") != str(len(chosen)):
            wishes = desk.wishes(chosen, verdict, note)
            return self.render(
                "preview",
                lines=[visible(line, 400) for line in bulk.preview(wishes)],
                kept=[pair for pair in pairs if pair[0] in ("key", "group", "all")],
                verdict=verdict,
                note=note,
                back=back,
                count=len(chosen),
                chosen=chosen[:20],
            )
        batch = desk.give(chosen, verdict, note)
        return RedirectResponse(f"/?{back}&done={batch.number}", status_code=303)

    async def undo(self, request: Request) -> Response:
        """Take back what was given together."""
        form = dict(await self.keys.read_form(request))
        number = form.get("batch", "")
        if not (number.isascii() and number.isdigit()):
            raise BadInput("expected the number of what was given", field="batch")
        batch = self._desk().take_back(int(number))
        return RedirectResponse(f"/?{_back(form.get('back', ''))}&done={batch.number}", status_code=303)

    def _desk(self) -> Desk:
        if self.desk is None:
            raise Refused("This page only reads. Start triage ui with --write to give verdicts.")
        return self.desk

    def _chosen(self, pairs: Sequence[tuple[str, str]], back: str) -> list[HeldFinding]:
        """Return the findings that a form marks: single ones, whole groups, or all that the filter leaves."""
        query = read_query(_pairs(back))
        keys = [value for name, value in pairs if name == "key"]
        if any(name == "all" for name, _ in pairs):
            found = self.view(query).found
        else:
            groups = {one.alike for name, value in pairs if name == "group" and (one := self.held.get(value))}
            in_groups = [one for one in self.view(query).found if one.alike in groups] if groups else []
            found = [one for key in keys if (one := self.held.get(key))] + in_groups
        return list({one.key: one for one in found if one.logged is not None}.values())

    def _turning(self) -> Backlog:
        from training.workbench.moved_threshold import backlog

        if self._backlog is None or self._backlog[0] != self.held.revision:
            self._backlog = self.held.revision, backlog(self.held, self.held.settings)
        return self._backlog[1]

    def _explained(self, one: HeldFinding) -> Explanation:
        decision = one.decision
        if one.is_blind and one.logged is not None:  # the explanation itself knows what a reviewer may see
            decision = read_decision(one.logged.record["decision"])
        content = explanation(
            one.case, decision, self.policy, is_review=one.is_blind, card=self.held.settings.card
        )
        if self.held.log is None or one.logged is None:
            return content
        near = similar.nearest(self.held.log, one.case, one.logged.item)
        return msgspec.structs.replace(content, similar=near)

    def _timeline(self, one: HeldFinding) -> list[tuple[str, str]]:
        """Return when something became of a finding, and what, oldest first."""
        finding = one.case.finding
        events: list[tuple[datetime, str]] = []
        for name, said in (("created_at", "AWS found it"), ("updated_at", "AWS updated it")):
            if (at := getattr(finding, name, None)) is not None:
                events.append((at, said))
        logged = []
        if self.held.log is not None and one.logged is not None:
            logged = review.decisions(self.held.log, one.decision.finding_id)
        for entry in logged:
            # What waits may have been drawn by lot: whether it was archived is not told.
            done = "decided on" if one.is_blind else f"decided: {entry.outcome}, done: {entry.effect}"
            events.append((datetime.fromisoformat(entry.decided_at), f"{done} ({entry.mode} mode)"))
            for taken in entry.labels_before:
                said = visible(f"{taken.get('by', '')} said {taken.get('verdict', '')}; taken back", 300)
                events.append((datetime.fromisoformat(str(taken["at"])), said))
            if entry.verdict is not None:
                events.append(
                    (entry.verdict.at, _said(entry.verdict.by, entry.verdict.verdict, entry.verdict.note))
                )
            if entry.ended_by and entry.ended_at and not one.is_blind:
                events.append((datetime.fromisoformat(entry.ended_at), f"ended: {visible(entry.ended_by)}"))
        if not logged and one.label is not None:
            events.append((one.label.at, _said(one.label.by, one.label.verdict, one.label.note)))
        events.sort(key=lambda event: event[0].replace(tzinfo=event[0].tzinfo or UTC))
        return [(moment(at), said) for at, said in events]

    def _not_found(self, _: Request, __: Exception | None) -> Response:
        return self.render("message", title="There is no such page", text="Go back to the queue.", status=404)

    def _bad_input(self, _: Request, error: Exception) -> Response:
        return self.render("message", title="Not done", text=visible(str(error), 600), status=400)


class Gate:
    """Asks of each request whether it may come in, and puts the safety headers on each answer."""

    def __init__(self, app: ASGIApp, bench: Workbench) -> None:
        self.app, self.keys = app, bench.keys
        said = headers(bench.style, bench.script)
        self.headers = [(name.lower().encode(), value.encode()) for name, value in said.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self.headers]}
            await send(message)

        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # there are no web sockets
            return None
        try:
            answer: ASGIApp = self.keys.check(Request(scope)) or self.app
        except Refused as error:
            answer = refusal(error)
        return await answer(scope, receive, send_safely)


async def _no_picture(_: Request) -> Response:
    return Response(status_code=204)


def _refused(_: Request, error: Exception) -> Response:
    return refusal(Refused(str(error)))


def _said(by: str, verdict: str, note: str) -> str:
    return visible(f"{by} said {verdict}{': ' + note if note else ''}", 400)


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, max_num_fields=200)


def _back(text: str) -> str:
    """Return the address of the queue that a form or link came from, made anew: nothing else gets into it."""
    try:
        return read_query(_pairs(text)).address() or "all=1"
    except ValueError:
        return "all=1"


def _points(text: str) -> int | None:
    """Read points of an address as tenths; what is no number counts as not asked for."""
    try:
        tenths = round(float(text) * 10)
    except (ValueError, OverflowError):
        return None
    return tenths if abs(tenths) <= 1_000_000 else None


def _hours(hours: Sequence[float]) -> str:
    if not hours:
        return "cannot say: no verdict in the log"
    middle = hours[len(hours) // 2]
    return f"{middle:.0f} hours" if middle < 48 else f"{middle / 24:.0f} days"
