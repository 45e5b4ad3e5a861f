"""Tokens of review links: what was signed here is read, and nothing else is."""

import base64
import random
import string
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

from scoring.review.links import VALID, Expired, Forged, Link, Links

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
OLD, NEW = "o" * 40, "n" * 40
LINKS = Links(url="https://review.example", table="log", keys=(OLD, NEW))
LINK = Link(
    finding_id="138c3460-fd93-4adc-99a2-ecb1c202387b",
    item="decision#2026-11-02T09:30:00.049000Z#1",
    action="expected",
    issued_at=NOW,
)
SAFE = string.ascii_letters + string.digits + "-_."


def refused(token: str, links: Links = LINKS) -> bool:
    try:
        links.read(token, NOW)
    except Forged:
        return True
    return False


@given(
    st.builds(
        Link,
        finding_id=st.text(max_size=80),
        item=st.text(max_size=60).map("decision#".__add__),
        action=st.sampled_from(("expected", "unintended", "take back")),
        revision=st.integers(0, 1000),
        issued_at=st.integers(1_600_000_000, 3_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
    )
)
def test_what_is_signed_is_read_back(link: Link) -> None:
    token = LINKS.token(link)
    assert LINKS.read(token, link.issued_at) == link
    assert LINKS.token(link) == token, "the same link gives the same token"
    assert set(token) <= set(SAFE)


def test_an_address_is_short_enough_for_mail_and_one_path_segment() -> None:
    answers = LINKS.answers(LINK.finding_id, LINK.item, NOW)
    for address in answers[:2]:
        assert len(address) < 250
        assert address.startswith("https://review.example/")
        assert address.count("/") == 3
    assert answers.until == "2026-11-16 09:30 UTC"
    assert answers.expected != answers.unintended
    assert not answers.expected.endswith(("-", "_", ".")), "mail programs leave such an end out of a link"


def test_rotation_breaks_no_open_link() -> None:
    before = msgspec.structs.replace(LINKS, keys=(OLD,))
    after = msgspec.structs.replace(LINKS, keys=(OLD, NEW))
    later = msgspec.structs.replace(LINKS, keys=(NEW,))
    assert after.read(before.token(LINK), NOW) == LINK
    assert later.read(after.token(LINK), NOW) == LINK, "the newest key signs"
    assert refused(before.token(LINK), later)


def test_expiry() -> None:
    token = LINKS.token(LINK)
    assert LINKS.read(token, NOW + VALID) == LINK
    with pytest.raises(Expired) as expired:
        LINKS.read(token, NOW + VALID + timedelta(seconds=1))
    assert expired.value.link == LINK
    assert LINKS.read(token, NOW - timedelta(minutes=1)) == LINK, "clocks differ"


def test_a_token_is_good_for_its_table_and_purpose_alone() -> None:
    assert refused(LINKS.token(LINK), msgspec.structs.replace(LINKS, table="log-2"))
    content = [LINK.finding_id, "x", 0, 0]
    assert refused(str(URLSafeTimedSerializer([OLD, NEW], salt="something else").dumps(content)))


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        "x",
        7,
        None,
        ["a", "b", 3, 0],
        ["a", "b", 0, "0"],
        ["a", "b", 0],
        ["a", 1, 0, 0],
        ["a", "b", 0.5, 0],
    ],
)
def test_signed_and_yet_no_link(content: object) -> None:
    serializer = LINKS._serializer(int(NOW.timestamp()))
    assert refused(str(serializer.dumps(content)))


def test_a_signature_has_one_spelling() -> None:
    """The last letter of a signature has bits that mean nothing: other letters there say the same."""
    token = LINKS.token(LINK)
    spellings = [token[:-1] + letter for letter in SAFE if letter != token[-1]]
    same = [s for s in spellings if _decoded(s) == _decoded(token)]
    assert len(same) == 3
    assert all(map(refused, spellings))
    assert all(
        refused(other) for other in (token + "=", token + "==", token + "\n", token + "!", " " + token)
    )


def _decoded(token: str) -> bytes:
    return base64.urlsafe_b64decode(token.rsplit(".", 1)[1].replace(".", "") + "==")


def mangled(count: int, seed: int = 6) -> list[str]:
    """Tokens of which none is ours: good ones with something changed, and some that never were any."""
    pick = random.Random(seed)  # noqa: S311 - the same ones every time
    good = [
        LINKS.token(msgspec.structs.replace(LINK, action=action, revision=turn))
        for action in ("expected", "unintended", "take back")
        for turn in (0, 1)
    ]
    foreign = msgspec.structs.replace(LINKS, keys=("f" * 40,))

    def one() -> str:
        token, other = pick.choice(good), pick.choice(good)
        place = pick.randrange(len(token))
        kind = pick.randrange(9)
        if kind == 0:
            return token[:place] + pick.choice(SAFE) + token[place + 1 :]
        if kind == 1:
            return token[:place] + token[place + 1 :]
        if kind == 2:
            return token[:place] + pick.choice(string.printable) + token[place:]
        if kind == 3:
            return token[:place]
        if kind == 4:
            return token.swapcase()
        if kind == 5:
            return ".".join(pick.choice((token, other)).split(".")[part] for part in range(3))
        if kind == 6:
            return foreign.token(msgspec.structs.replace(LINK, revision=pick.randrange(100)))
        if kind == 7:
            return "".join(pick.choices(string.printable, k=pick.randrange(200)))
        return pick.choice(
            ("", ".", "..", "...", "a.b.c", "\x00", "é" * 50, "=" * 90, "." * 3000, "A" * 9000)
        )

    found: list[str] = []
    while len(found) < count:
        token = one()
        if token not in good:
            found.append(token)
    return found


def test_a_thousand_forged_or_mangled_tokens() -> None:
    tokens = mangled(2000)
    assert len(set(tokens)) > 1000
    assert [token for token in tokens if not refused(token)] == []
