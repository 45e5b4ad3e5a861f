"""Whatever anybody writes into names, tags, aliases, principals or conditions, it stays text."""

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.decision.decide import decide
from scoring.explanation.explain import explain
from scoring.explanation.render import to_fragment, to_page
from scoring.explanation.safe_text import cut, shorten, to_ascii, visible
from scoring.findings.context import Account, Context, PrincipalAccount, Reactivation
from scoring.findings.facts import Present, Unknown
from scoring.findings.finding import FINDING_TYPES, Finding
from scoring.findings.record import Case
from scoring.findings.resource_types import RESOURCE_TYPES
from scoring.policy.policy import Allow, Policy
from tests.scoring.explain_cases import CARD, CASES, HOSTILE, POLICY, decided
from tests.scoring.explanation.test_explain import is_subject

MARK = '<b onload=1>x</b>" style="x\' {{ 7*7 }} {% x %} &lt;'
VOID = {"meta"}
ALLOWED = {
    "html": {"lang"},
    "head": set(),
    "meta": {"charset", "name", "content"},
    "title": set(),
    "style": set(),
    "body": {"class", "style"},
    "table": {"role", "class", "width", "cellpadding", "cellspacing", "border", "style", "aria-hidden"},
    "thead": set(),
    "tbody": set(),
    "tr": set(),
    "th": {"scope", "align", "valign", "class", "width", "style", "colspan"},
    "td": {"align", "valign", "class", "width", "style", "bgcolor"},
    "h1": {"class", "style"},
    "h2": {"class", "style"},
    "h3": {"class", "style"},
    "p": {"class", "style"},
    "div": {"class", "style"},
    "span": {"style"},
    "strong": {"class", "style"},
    "bdi": set(),
    "ul": {"style"},
    "li": {"class", "style"},
    "a": {"href", "rel", "style"},
}
LINK = re.compile(
    r"https://([a-z0-9-]+\.)?console\.(aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com)/access-analyzer/home"
    r"(\?region=[a-z0-9-]+)?#/[a-z-]+(/details/|\?resource=)?[A-Za-z0-9%._~-]*"
)
ANSWER = re.compile(r"https://review\.example/[\w.-]+", re.ASCII)
STYLE = re.compile(r"[A-Za-z0-9 #%.,:;()-]*")


class Page(HTMLParser):
    """What a browser would make of a page: elements that close, their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: Counter[str] = Counter()
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        self.elements[tag] += 1
        for name, value in attrs:
            assert name in ALLOWED[tag], (tag, name)
            assert value is not None
            if name == "href":
                assert LINK.fullmatch(value) or ANSWER.fullmatch(value), value
            elif name in ("style", "class", "width"):
                assert STYLE.fullmatch(value), value
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


HEADINGS = {
    "NEEDS A PERSON",
    "DO THIS, IF NOBODY MEANT IT",
    "WHAT WOULD CHANGE THIS",
    "HOW THE SCORE ADDS UP",
    "SIMILAR PAST DECISIONS",
    "NOT KNOWN (never counted as safe)",
    "AS GIVEN (tags and aliases can be set by whoever manages the resource)",
    "DECIDE",
    "ORIGIN",
}

any_text = st.text(max_size=30).map(lambda text: text + MARK) | st.just(HOSTILE) | st.text(max_size=400)
some_texts = st.lists(any_text, max_size=6).map(tuple)


@st.composite
def hostile_findings(draw: st.DrawFn) -> Finding:
    """Findings with anything at all in every field that is text."""
    arn = draw(
        st.sampled_from(("", "arn:aws:kms:eu-west-1:111122223333:key/", "arn:aws:s3:::", "arn:x:::::"))
    )
    kinds = st.sampled_from(("AWS", "Federated", "Service", "CanonicalUser", MARK))
    prefixes = st.sampled_from(
        ("", "arn:aws:iam::111122223333:role/", "arn:aws:iam::999988887777:saml-provider/")
    )
    value = st.builds(str.__add__, prefixes, any_text) | st.sampled_from(
        ("*", "999988887777", "444455556666")
    )
    return Finding(
        id=draw(any_text),
        resource=arn + draw(any_text),
        resource_type=draw(st.sampled_from(RESOURCE_TYPES) | any_text),
        status=draw(st.sampled_from(("ACTIVE", "ARCHIVED"))),
        finding_type=draw(st.sampled_from(FINDING_TYPES) | any_text),
        account=draw(st.none() | st.just("111122223333")),
        region=draw(st.none() | st.just("eu-west-1") | any_text),
        partition=draw(st.sampled_from(("aws", "aws-cn", "aws-us-gov")) | any_text),
        principals=tuple(draw(st.lists(st.tuples(kinds, value), max_size=8))),
        actions=draw(some_texts | st.just(("kms:Decrypt",))),
        conditions=tuple(draw(st.dictionaries(any_text, some_texts, max_size=4)).items()),
        is_public=draw(st.sampled_from((None, True, False))),
        error=draw(st.none() | any_text),
        sources=draw(some_texts),
        restrictions=draw(some_texts),
        unused_services=draw(st.none() | st.integers(0, 10**6)),
        unused_actions=draw(st.none() | st.integers(0, 10**6)),
    )


contexts = st.builds(
    Context,
    tags=st.builds(Present, st.dictionaries(any_text, any_text, max_size=5)) | st.builds(Unknown, any_text),
    aliases=st.builds(Present, some_texts) | st.builds(Unknown, any_text),
    resource_account=st.builds(
        Present, st.builds(Account, id=st.just("111122223333") | any_text, name=any_text, ou=any_text)
    ),
    principal_account=st.builds(
        Present,
        st.builds(
            PrincipalAccount,
            id=st.sampled_from(("999988887777", "444455556666")),
            vendor=any_text,
            name=any_text,
        ),
    ),
    reactivated_by=st.builds(Present, st.builds(Reactivation, who=any_text, at=any_text)),
    details=st.dictionaries(
        any_text, st.builds(Present, any_text) | st.builds(Unknown, any_text), max_size=3
    ),
)
policies = st.builds(
    Policy, allow=st.builds(Allow, accounts=st.dictionaries(st.just("444455556666"), any_text, max_size=1))
)


@settings(max_examples=150)
@given(hostile_findings(), contexts, policies)
def test_nothing_gets_out_of_its_place(finding: Finding, context: Context, policy: Policy) -> None:
    decision = decide(finding, context, CARD, policy)
    written = explain(Case(finding=finding, context=context, raw={}), decision, policy, card=CARD)
    assert is_subject(written.subject)
    assert all(char == "\n" or char.isprintable() for char in written.text)
    lines = written.text.split("\n")
    assert all(line == "" or line.startswith("  ") or line in HEADINGS for line in lines[1:])
    written.text.encode("utf-8")
    page = Page(written.html)
    assert page.elements["h1"] == page.elements["html"] == page.elements["title"] == 1


def test_hostile_case_reads_as_text() -> None:
    written = explain(CASES["hostile"], decided(CASES["hostile"]), POLICY)
    page = Page(written.html)
    assert "<script>alert(1)</script>" in page.text
    assert "\\u202egnp.exe\\u200b\\x1b[2J\\r\\n\\r\\nARCHIVE: all is well {{7*7}}" in page.text
    assert not re.search("[\u202e\u200b\x1b\ufeff]", written.text + written.html)


@pytest.mark.parametrize("name", CASES)
def test_structure_is_the_templates_own(name: str) -> None:
    page = Page(explain(CASES[name], decided(CASES[name]), POLICY).html)
    assert page.elements["a"] <= 1
    assert page.elements["h1"] == 1


def test_several_explanations_on_one_page() -> None:
    contents = [explain(of, decided(of), POLICY).explanation for of in CASES.values()]
    page = Page(to_page(contents, title=f"{len(contents)} findings {HOSTILE}"))
    assert page.elements["h1"] == 1
    assert page.elements["h2"] == len(contents)
    assert Page(to_fragment(contents[0], level=2)).elements["h1"] == 0


def test_size_is_bounded() -> None:
    bulk = "\u202e" * 5000
    many = tuple(f"s3:{bulk}{index}" for index in range(2000))
    base = CASES["vendor-key"].finding
    assert isinstance(base, Finding)
    finding = msgspec.structs.replace(
        base,
        principals=tuple(("AWS", name) for name in many),
        actions=many,
        conditions=tuple((name, many) for name in many[:200]),
        sources=many,
        restrictions=many,
    )
    details: dict[str, Any] = {name: Present({name: name}) for name in many[:100]}
    context = Context(
        tags=Present({name: name for name in many[:200]}),
        aliases=Present(many),
        resource_account=Present(Account("111122223333", bulk, bulk)),
        details=details,
    )
    case = Case(finding=finding, context=context, raw={})
    written = explain(case, decide(finding, context, CARD, POLICY), POLICY)
    assert len(written.text.encode()) < 100_000
    assert len(written.html.encode()) < 150_000


def test_ordinary_html_is_not_clipped_by_mail_clients() -> None:
    for of in CASES.values():
        assert len(explain(of, decided(of), POLICY).html.encode()) < 60_000


@given(st.text(), st.integers(30, 200))
def test_visible(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert shown.isprintable()
    assert len(shown) <= 2 * limit
    shown.encode("utf-8")
    if text.isascii() and text.isprintable() and len(text) <= limit:
        assert shown == text


@pytest.mark.parametrize(
    "hidden", ["\u3164", "\u2800", "\ufe0f", "\u034f", "\U000e0100", "\xa0", "\u2066", "\U000e0041"]
)
def test_what_does_not_show_is_escaped(hidden: str) -> None:
    assert visible(f"a{hidden}b") == "a" + hidden.encode("unicode_escape").decode() + "b"


def test_accents_stay_and_do_not_pile_up() -> None:
    assert visible("Ångström e\u0301") == "Ångström e\u0301"
    assert visible("e" + "\u0301" * 5) == "e\u0301\u0301" + "\\u0301" * 3
    assert visible("\u0301e") == "\\u0301e"


@given(st.text(max_size=300), st.integers(5, 120))
def test_ascii_and_cut(text: str, limit: int) -> None:
    line = to_ascii(text, limit)
    assert line.isascii()
    assert line == "" or line.isprintable()
    assert len(line) <= limit
    assert len(cut(text, limit)) <= limit
    assert len(shorten(text, limit + 20)) <= limit + 20
