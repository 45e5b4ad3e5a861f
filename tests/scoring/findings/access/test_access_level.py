import fnmatch
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.findings.access import access_level as module
from scoring.findings.access.access_level import (
    MOST_PATTERNS,
    AccessLevel,
    access_level,
    at_least,
    describe,
    rank,
)
from scoring.findings.access.action_reference import LEVELS, decode_service, reference

PERMISSIONS = "Permissions management"
KNOWN = {
    f"{service}:{action}": level
    for service, line in reference().services.items()
    for action, level in decode_service(line, reference().ordinary).items()
}
FOLDED = {action.lower(): level for action, level in KNOWN.items()}


@pytest.fixture
def fresh() -> Iterator[None]:
    """Forget what was looked up before, so that work can be counted."""
    access_level.cache_clear()
    module._best_covered.cache_clear()
    yield
    access_level.cache_clear()
    module._best_covered.cache_clear()


@pytest.mark.parametrize(
    ("level", "actions"),
    [
        ("List", "s3:ListBucket s3:ListAllMyBuckets kms:ListGrants secretsmanager:ListSecrets iam:ListRoles"),
        # Reading every secret or image is no more than Read.
        ("Read", "s3:GetObject secretsmanager:GetSecretValue ecr:BatchGetImage sqs:ReceiveMessage"),
        ("Read", "kms:DescribeKey lambda:GetLayerVersion elasticfilesystem:ClientMount dynamodb:Scan"),
        ("Read", "sts:GetFederationToken sqs:ListQueues dynamodb:ListStreams"),
        ("Tagging", "kms:TagResource s3:PutObjectTagging sqs:UntagQueue sts:TagSession ec2:CreateTags"),
        # Cryptography and the assuming of roles change something, so they are Write, though they also read.
        ("Write", "kms:Decrypt kms:Encrypt kms:GenerateDataKey kms:Sign kms:ReEncryptFrom sts:AssumeRole"),
        ("Write", "sts:AssumeRoleWithWebIdentity sns:Publish lambda:InvokeFunction s3express:CreateSession"),
        # A copy of a shared snapshot, or a volume made from it, takes all its data.
        ("Write", "rds:CopyDBSnapshot ec2:CreateVolume s3:DeleteObject s3:PutReplicationConfiguration"),
        (PERMISSIONS, "s3:PutBucketPolicy s3:PutObjectAcl s3:BypassGovernanceRetention kms:CreateGrant"),
        (PERMISSIONS, "kms:RetireGrant kms:PutKeyPolicy sqs:AddPermission lambda:AddPermission iam:PassRole"),
        (PERMISSIONS, "secretsmanager:PutResourcePolicy ecr:SetRepositoryPolicy dynamodb:PutResourcePolicy"),
        # A queue or a topic can be made together with its policy.
        (PERMISSIONS, "sqs:CreateQueue sqs:SetQueueAttributes sns:CreateTopic sns:SetTopicAttributes"),
        (PERMISSIONS, "ec2:ModifySnapshotAttribute rds:ModifyDBSnapshotAttribute"),
    ],
)
def test_known_actions_have_the_level_of_the_reference(level: str, actions: str) -> None:
    for action in actions.split():
        for written in (action, action.lower(), action.upper()):
            assert access_level((written,)) == AccessLevel(level=level, decisive=written)


@pytest.mark.parametrize(
    ("pattern", "level", "covers"),
    [
        ("kms:*", PERMISSIONS, "kms:CreateGrant"),
        ("KMS:re?ncrypt*", "Write", "kms:ReEncryptTo"),
        ("s3:Get*", "Read", "s3:GetObject"),
        ("s3:?etObject", "Read", "s3:GetObject"),
        ("s3:G*", "Read", "s3:GetObject"),
        ("sqs:List*", "Read", "sqs:ListQueues"),
        ("s3:ListBucket*", "List", "s3:ListBucket"),
        ("s3:***Policy", PERMISSIONS, "s3:PutBucketPolicy"),
        ("elasticfilesystem:Client*", "Write", "elasticfilesystem:ClientWrite"),
        ("*", PERMISSIONS, ""),
        ("***", PERMISSIONS, ""),
        ("*:*", PERMISSIONS, ""),
        ("s3*:ListBucket", "List", ""),
        ("s?:getobject", "Read", ""),
    ],
)
def test_a_wildcard_has_the_highest_level_it_covers(pattern: str, level: str, covers: str) -> None:
    assert access_level((pattern,)) == AccessLevel(level=level, decisive=pattern, covers=covers)


@pytest.mark.parametrize(
    ("entry", "level"),
    [
        ("s3:GetTomorrow", "Read"),
        ("S3:GetTomorrow", "Read"),
        ("s3:PutTomorrow", PERMISSIONS),
        ("sqs:TagTomorrow", "Tagging"),
        ("s3:RestoreTomorrow*", "Write"),
        ("sns:Receive", "Write"),  # in the topic policy that SNS itself makes, and in no reference
        ("kms:RebootThings", "Write"),  # kms reboots nothing: the verb of other services
        ("tomorrow:RebootThings", "Write"),
        ("tomorrow:GetThings", PERMISSIONS),
        ("RebootThings", "Write"),
        (":RebootThings", "Write"),
        ("GetObject", PERMISSIONS),
        (":GetObject", PERMISSIONS),
        ("s3:Frobnicate", PERMISSIONS),
        ("s3:GetsTomorrow", PERMISSIONS),  # another word than Get
        ("s3:gettomorrow", PERMISSIONS),  # no telling where its first word ends
        ("s3:Get*Tomorrow", PERMISSIONS),
        ("tomorrow:*", PERMISSIONS),
        ("tomorrow", PERMISSIONS),
        ("s3*", PERMISSIONS),
        ("?*", PERMISSIONS),
    ],
)
def test_an_unknown_action_is_taken_at_the_worst_of_its_verb(entry: str, level: str) -> None:
    assert access_level((entry,)) == AccessLevel(level, assumed=True, decisive=entry, unrecognised=(entry,))


@pytest.mark.parametrize(
    "entry",
    [
        *("", " ", "s3:", ":", "::", "s3.ListBucket", "s3:ListBucket:x", "a:s3:ListBucket"),
        *("NotAction", "NotAction:ListBucket", "notaction:s3:ListBucket", "!s3:ListBucket", "!ListBucket"),
        *("s3:ListBucket\n", " s3:ListBucket", "s3:List Bucket", "s3:ListBucket\x00", "\ud800"),
        *("s3:[L]istBucket", "s3:List[!x]ucket", "s3:List]Bucket[", "s3:(a+)+$"),
        *("\u212ams:ListGrants", "s3:ListBuc\u212aet"),  # the Kelvin sign is k in lower case
        *("x" * 10_000, "s3:" + "Z" * 10_000),
    ],
)
def test_what_no_statement_could_hold_has_the_highest_level(entry: str) -> None:
    found = access_level((entry, "s3:ListBucket"))
    assert (found.level, found.assumed, found.unrecognised) == (PERMISSIONS, True, (entry,))


def test_no_actions_is_unknown() -> None:
    assert access_level(()) == AccessLevel(level=None)
    assert rank(None) > rank(PERMISSIONS)


def test_the_order_of_levels() -> None:
    assert LEVELS == ("List", "Read", "Tagging", "Write", PERMISSIONS)
    assert [rank(level) for level in LEVELS] == [0, 1, 2, 3, 4]
    assert [at_least(level, "Tagging") for level in LEVELS] == [False, False, True, True, True]
    with pytest.raises(ValueError, match="not in tuple"):
        at_least("Write", "Wirte")


def test_the_decisive_entry_is_known_if_it_can_be_and_then_the_first() -> None:
    actions = ("s3:Frobnicate", "s3:GetObject", "s3:PutObjectAcl", "s3:*", "s3:PutObjectAcl")
    found = access_level(actions)
    assert (found.decisive, found.others, found.covers) == ("s3:PutObjectAcl", 2, "")
    assert found.unrecognised == ("s3:Frobnicate",)


@pytest.mark.parametrize(
    ("actions", "line"),
    [
        ((), "unknown (no actions)"),
        (("kms:Decrypt", "kms:Encrypt"), "Write (decisive: kms:Decrypt and 1 more)"),
        (("sqs:*", "iam:*"), f"{PERMISSIONS} (decisive: sqs:*, which covers sqs:CreateQueue and 1 more)"),
        (("*",), f"{PERMISSIONS} (decisive: *)"),
        (
            ("s3:PutObjectAcl", ""),
            f"{PERMISSIONS} (decisive: s3:PutObjectAcl and 1 more; "
            "not in the reference, taken at its worst: an empty entry)",
        ),
        (
            ("x\n\x1b[2J",),
            rf"{PERMISSIONS} (decisive: x\n\x1b[2J; not in the reference, taken at its worst: x\n\x1b[2J)",
        ),
    ],
)
def test_description(actions: tuple[str, ...], line: str) -> None:
    assert describe(access_level(actions)) == line


known = st.sampled_from(sorted(KNOWN))
anything = st.text() | st.text("s3kmsGetListPut*?:!\n", max_size=30) | known | st.just("*")


@st.composite
def patterns_over(draw: st.DrawFn) -> tuple[str, str]:
    """A known action and a pattern that covers it."""
    action = draw(known)
    prefix, name = action.split(":")
    parts = []
    for part in (prefix, name) if draw(st.booleans()) else (name,):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(part))] * 2)))
        wild = draw(st.sampled_from(["*", "**", "?" * (end - start), "*" + "?" * (end - start)]))
        parts.append(part[:start] + wild + part[end:])
    pattern = ":".join(parts if len(parts) == 2 else [prefix, *parts])
    return action, draw(st.sampled_from([pattern, pattern.lower(), pattern.upper()]))


@given(st.lists(anything, max_size=6), anything)
def test_one_more_action_never_lowers_the_level(actions: list[str], more: str) -> None:
    without = access_level(tuple(actions))
    if without.level is not None:
        assert at_least(access_level((*actions, more)).level, without.level)
        assert access_level((more, *actions)).level == access_level((*actions, more)).level


@given(patterns_over())
def test_a_wildcard_is_never_below_an_action_it_covers(drawn: tuple[str, str]) -> None:
    action, pattern = drawn
    found = access_level((pattern,))
    assert at_least(found.level, KNOWN[action])
    assert found.assumed is False


@given(patterns_over())
def test_a_wildcard_is_exactly_the_highest_of_all_it_covers(drawn: tuple[str, str]) -> None:
    pattern = drawn[1]
    covered = [level for action, level in FOLDED.items() if fnmatch.fnmatchcase(action, pattern.lower())]
    assert access_level((pattern,)).level == max(covered, key=rank)


@given(anything)
def test_any_text_has_a_level_not_below_what_it_could_match(entry: str) -> None:
    found = access_level((entry,))
    literal = entry.lower().replace("[", "[[]")
    covered = [level for action, level in FOLDED.items() if fnmatch.fnmatchcase(action, literal)]
    assert found.level in LEVELS
    assert all(at_least(found.level, level) for level in covered)
    assert describe(found).isprintable()
    assert len(describe(found)) < 2_000


@pytest.mark.parametrize(
    "actions",
    [
        ["*:*" + "?*" * 5_000],
        ["*:" + "*e" * 5_000 + "q"],
        ["*:" + "*e" * 100 + "q"],
        ["s3:" + "*" * 10_000 + "q"],
        [f"*:*{'?' * (n % 40)}{'*e' * (n % 20)}*q{n}*" for n in range(5_000)],
        [f"?{'*' * n}:{'?*' * 60}q" for n in range(3_000)],
        [f"service{n}:GetThing{n}" for n in range(5_000)],
    ],
    ids=["questions", "long", "many stars", "stars", "many", "many services", "unknown"],
)
def test_hostile_input_does_a_bounded_amount_of_work(
    actions: list[str], fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    work: Counter[str] = Counter()
    original = module._matcher

    def counting(pattern: str) -> Callable[[str], object]:
        work["patterns"] += 1
        matches = original(pattern)

        def match(name: str) -> object:
            work["matches"] += 1
            return matches(name)

        return match

    monkeypatch.setattr(module, "_matcher", counting)
    assert access_level(tuple(actions)).level == PERMISSIONS
    looked_up = min(len(actions), MOST_PATTERNS)
    assert work["patterns"] <= 2 * looked_up
    assert work["matches"] <= looked_up * (len(KNOWN) + len(reference().services))


def test_the_remembered_results_are_bounded() -> None:
    for remembered in (access_level, module._best_covered):
        assert remembered.cache_info().maxsize == 1024


def test_nothing_is_read_at_import() -> None:
    code = (
        "import sys, scoring.findings.access.access_level\n"
        "from scoring.findings.access.action_reference import reference\n"
        "assert reference.cache_info().currsize == 0\n"
        "scoring.findings.access.access_level.access_level(('s3:GetObject', 's3:*'))\n"
        "assert set(reference()._read) == {'s3'}, 'only the service that was asked for'\n"
        "assert 'policy_sentry' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
