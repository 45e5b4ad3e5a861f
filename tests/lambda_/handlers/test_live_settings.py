"""Mode, policy, threshold and model from Parameter Store and a bucket, while the function lives."""

import hashlib
import itertools
import json
import os

import msgspec
import pytest
from botocore.exceptions import ClientError

from handlers.runtime import settings
from handlers.runtime.live_settings import Configuration
from scoring.policy import policy
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard
from tests.broken_versions import BROKEN, WHOLE
from tests.lambda_.deployment import Deployment
from tests.lambda_.faults import counted, refused

PREFIX, BUCKET = "/access-triage", "models"
READ, GET = ("ssm", "GetParameters"), ("s3", "GetObject")
PLAIN = 'mode = "shadow"  # the parameter of its own says otherwise'
DEVELOPMENT = '[[expected]]\nname = "development"\ntags = { Environment = "development" }\n'


class LastKnownGood:
    """What a person keeps in Parameter Store and in the bucket."""

    def __init__(self, here: Deployment) -> None:
        self.here = here
        self.ssm, self.s3 = here.aws.client("ssm"), here.aws.client("s3")
        place = {"LocationConstraint": "eu-west-1"}
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        here.set(PARAMETERS=PREFIX, MODEL=f"s3://{BUCKET}/models")

    def put(self, **values: str) -> None:
        for name, value in values.items():
            self.ssm.put_parameter(Name=f"{PREFIX}/{name}", Value=value, Type="String", Overwrite=True)

    def promote(self, card: Scorecard, version: str, *, digest: str | None = None) -> str:
        """Write a model version, make it the current one, and return its digest."""
        content = formats.to_json(card).encode()
        manifest = {"sha256": {"scorecard.json": digest or hashlib.sha256(content).hexdigest()}}
        files = {f"{version}/scorecard.json": content, f"{version}/manifest.json": json.dumps(manifest)}
        for path, body in {**files, "current": f"{version}\n"}.items():
            self.s3.put_object(Bucket=BUCKET, Key=f"models/{path}", Body=body)
        return formats.with_digest(card).sha256

    def all_good(self, threshold: str = "none", card: Scorecard | None = None) -> str:
        self.put(mode="enforce", policy=DEVELOPMENT, threshold=threshold)
        return self.promote(card or formats.load(), "v1")

    def later(self) -> Configuration:
        """What holds a minute later."""
        self.here.clock.pass_by(seconds=60)
        return self.now()

    def now(self) -> Configuration:
        return settings.configuration(settings.read(os.environ))


@pytest.fixture
def kept(here: Deployment, monkeypatch: pytest.MonkeyPatch) -> LastKnownGood:
    monkeypatch.delenv("TRIAGE_MODE")
    monkeypatch.delenv("TRIAGE_POLICY")
    return LastKnownGood(here)


def test_mode_policy_threshold_and_model_are_picked_up_within_a_minute(kept: LastKnownGood) -> None:
    digest = kept.all_good()
    first = kept.now()
    assert (first.mode, first.policy.expected[0].name, first.card.sha256) == (
        "enforce",
        "development",
        digest,
    )
    assert (first.configuration_error, first.problems) == ("", ())
    card = msgspec.structs.replace(first.card, version="2", threshold=5)
    promoted = kept.promote(card, "v2")
    kept.put(mode="shadow", policy=PLAIN, threshold=json.dumps({"value": 12.5, "model_sha256": promoted}))
    assert kept.now() == first
    second = kept.later()
    assert (second.mode, second.policy.expected, second.card.sha256) == ("shadow", (), promoted)
    assert second.policy.threshold_for(promoted, 5) == 125


def test_what_has_not_changed_is_not_sent_again(kept: LastKnownGood) -> None:
    kept.all_good()
    first = kept.now()
    with counted() as made:
        assert kept.now() == first
        assert made == []
        assert kept.later() == first
    assert made == [READ, GET]


def test_an_old_override_cannot_archive_with_a_model_that_was_promoted(kept: LastKnownGood) -> None:
    """The threshold lets everything pass, but it was chosen for the model before."""
    old = kept.all_good()
    kept.put(policy=PLAIN, threshold=json.dumps({"value": 1000, "model_sha256": old}))
    first = kept.here.share(kept.here.key())
    assert kept.here.status(first) == "ARCHIVED"
    kept.promote(msgspec.structs.replace(formats.load(), version="new"), "v2")
    kept.here.clock.pass_by(seconds=60)
    ids = [kept.here.share(kept.here.key(), f"{n:012}") for n in range(1, 20)]
    assert {kept.here.status(one) for one in ids} == {"ACTIVE"}
    decision = kept.here.items(ids[0])[-1]["record"]["decision"]
    assert decision["reason"] == "no threshold belongs to this model: nothing is archived"


def test_a_promoted_model_brings_its_own_threshold(kept: LastKnownGood) -> None:
    card = formats.load()
    kept.all_good(card=msgspec.structs.replace(card, threshold=None))
    kept.put(policy=PLAIN)
    first = kept.here.share(kept.here.key())
    kept.promote(msgspec.structs.replace(card, threshold=10_000), "v2")
    kept.here.clock.pass_by(seconds=60)
    second = kept.here.share(kept.here.key())
    assert (kept.here.status(first), kept.here.status(second)) == ("ACTIVE", "ARCHIVED")


INVALID = [
    ("mode", "enforced", "expected shadow or enforce"),
    ("policy", "[allow]\nvendor = []", "unknown key 'vendor'"),
    ("policy", 'vendors_file = "gone.yaml"', "there is no such object"),
    ("policy", "schema = 2", "for another version"),
    ("threshold", "5", "expected"),
    ("threshold", '{"schema": 2, "value": 5, "model_sha256": "' + "0" * 64 + '"}', "for another version"),
    ("threshold", '{"value": 5, "model_sha256": "abc"}', "64 hexadecimal digits"),
    ("threshold", '{"value": 5.55, "model_sha256": "' + "0" * 64 + '"}', "value"),
]


def test_the_last_good_one_stands_while_a_new_one_is_invalid(kept: LastKnownGood) -> None:
    kept.all_good()
    first = kept.now()
    for name, value, problem in INVALID:
        kept.put(**{name: value})
        second = kept.later()
        assert msgspec.structs.replace(second, problems=()) == first, value
        (told,) = second.problems
        assert told.name == name
        assert problem in told.text
        kept.all_good()
        assert kept.later().problems == (), value


def test_policy_and_override_may_name_their_schema(kept: LastKnownGood) -> None:
    digest = kept.all_good()
    kept.put(policy="schema = 1\n" + DEVELOPMENT)
    kept.put(threshold=json.dumps({"schema": 1, "value": 12.5, "model_sha256": digest}))
    held = kept.now()
    assert (held.problems, held.policy.threshold_for(digest, 5)) == ((), 125)
    assert held.policy.expected == policy.parse(DEVELOPMENT).expected


def test_the_last_good_model_stands_while_a_new_one_is_damaged(kept: LastKnownGood) -> None:
    kept.all_good()
    first = kept.now()
    kept.promote(formats.load(), "other", digest="0" * 64)
    kept.s3.put_object(Bucket=BUCKET, Key="models/broken/scorecard.json", Body=b"{")
    digests = {"sha256": {"scorecard.json": hashlib.sha256(b"{").hexdigest()}}
    kept.s3.put_object(Bucket=BUCKET, Key="models/broken/manifest.json", Body=json.dumps(digests))
    for named in ("other", "../v1", "gone", "broken", "", b"\xff"):
        kept.s3.put_object(Bucket=BUCKET, Key="models/current", Body=named)
        second = kept.later()
        assert second.card == first.card
        assert second.configuration_error == ""
        assert [one.name for one in second.problems] == ["model"], named


@pytest.mark.parametrize("fault", BROKEN)
def test_the_model_is_refused_that_the_commands_and_the_registry_refuse(
    kept: LastKnownGood, fault: str
) -> None:
    kept.all_good()
    first = kept.now()
    for files, problems in ((WHOLE, []), (BROKEN[fault], ["model"])):
        for path, content in files.items():
            kept.s3.put_object(Bucket=BUCKET, Key=f"models/{path}", Body=content)
        second = kept.later()
        assert second.card == first.card
        assert [one.name for one in second.problems] == problems


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Get")


def test_the_last_good_one_stands_while_it_cannot_be_read(kept: LastKnownGood) -> None:
    kept.all_good()
    first = kept.now()
    for call, code in itertools.product((READ, GET), ("ThrottlingException", "AccessDeniedException")):
        with refused(call, error(code)):
            second = kept.later()
        assert msgspec.structs.replace(second, problems=()) == first
        assert {one.text for one in second.problems} == {f"cannot be read: {code}"}


def test_a_person_is_told_once_of_what_is_invalid(kept: LastKnownGood) -> None:
    kept.all_good()
    kept.here.reconcile()
    kept.put(policy="[allow]\nvendor = []")
    for _ in range(3):
        kept.here.clock.pass_by(minutes=20)
        kept.here.reconcile()
    (mail,) = kept.here.mails()
    assert mail.subject == "[access-triage] Alert: the policy is not valid"
    assert "unknown key 'vendor'" in " ".join(mail.text.split())
    assert "The last valid one stands" in mail.text
    kept.put(policy="[[")  # another version is another problem
    kept.here.clock.pass_by(minutes=20)
    kept.here.reconcile()
    assert len(kept.here.mails()) == 2


def test_a_person_is_told_that_there_is_no_valid_one(kept: LastKnownGood) -> None:
    kept.all_good()
    kept.put(mode="on")
    kept.here.reconcile()
    assert "until it is put right nothing is archived, everything alerts" in " ".join(
        kept.here.mails()[0].text.split()
    )


def test_before_anything_was_read_a_passing_failure_is_tried_again(kept: LastKnownGood) -> None:
    kept.all_good()
    with refused(READ, error("ThrottlingException")), pytest.raises(ClientError):
        kept.now()
    assert kept.now().problems == ()


def test_without_a_good_one_ever_everything_alerts(kept: LastKnownGood) -> None:
    for what in ("mode", "policy", "threshold", "model", "denied"):
        kept.all_good()
        if what == "model":
            kept.promote(formats.load(), "v1", digest="0" * 64)
        elif what != "denied":
            kept.put(**{what: "[" if what == "policy" else "x"})
        settings.clients.cache_clear()
        with refused(READ if what == "denied" else ("x", "x"), error("AccessDeniedException")):
            finding_id = kept.here.share(kept.here.key({"Environment": "development"}))
        assert kept.here.status(finding_id) == "ACTIVE", what
        assert kept.here.effects(finding_id)[-1] in ("alert", "collected")
        if what not in ("policy", "denied"):  # the rule that would let it be archived was there
            (rail,) = kept.here.items(finding_id)[-1]["record"]["decision"]["guardrails"]
            assert rail["text"].startswith(f"the configuration cannot be used: {what}: ")


@pytest.mark.parametrize("name", ["mode", "policy"])
def test_a_parameter_that_is_gone_does_not_take_its_value_with_it(kept: LastKnownGood, name: str) -> None:
    kept.all_good()
    first = kept.now()
    kept.ssm.delete_parameter(Name=f"{PREFIX}/{name}")
    second = kept.later()
    assert msgspec.structs.replace(second, problems=()) == first
    assert "there is no such parameter" in second.problems[0].text


def test_a_model_that_is_gone_stands_on(kept: LastKnownGood) -> None:
    kept.all_good(card=msgspec.structs.replace(formats.load(), version="2"))
    first = kept.now()
    kept.s3.delete_object(Bucket=BUCKET, Key="models/current")
    second = kept.later()
    assert (second.card, [one.name for one in second.problems]) == (first.card, ["model"])


def test_where_nobody_has_written_any_the_built_in_ones_hold(kept: LastKnownGood) -> None:
    kept.put(mode="enforce", threshold="none")
    for held in (kept.now(), kept.later()):
        assert (held.problems, held.configuration_error, held.mode) == ((), "", "enforce")
        assert (held.policy, held.card) == (policy.load(), formats.load())


def test_an_override_that_is_taken_back_leaves_the_model_its_own(kept: LastKnownGood) -> None:
    card = formats.load()
    digest = kept.promote(card, "v1")
    for own in (card.threshold, None):
        kept.all_good(threshold=json.dumps({"value": 1, "model_sha256": digest}))
        assert kept.later().policy.threshold is not None
        kept.put(threshold="none")
        held = kept.later()
        assert (held.configuration_error, held.policy.threshold_for(digest, own)) == ("", own)


@pytest.mark.parametrize("is_warm", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize("before", ["none", "override"])
def test_while_the_threshold_is_gone_nothing_is_archived(
    kept: LastKnownGood, before: str, is_warm: bool
) -> None:
    """Neither by the override that was read before, nor by the model's own, nor by a rule."""
    card = msgspec.structs.replace(formats.load(), threshold=10_000)
    digest = kept.promote(card, "v1")
    given = json.dumps({"value": 1000, "model_sha256": digest}) if before == "override" else before
    kept.all_good(threshold=given, card=card)
    here = kept.here
    assert here.status(here.share(here.key(), "000000000001")) == "ARCHIVED"

    kept.ssm.delete_parameter(Name=f"{PREFIX}/threshold")
    here.clock.pass_by(seconds=60)
    if not is_warm:
        settings.clients.cache_clear()
    tags = {"Environment": "development"}
    with refused(("x", "x"), error("ThrottlingException")):
        gone = [here.share(here.key(tags), f"{n:012}") for n in range(2, 5)]
    with refused(READ, error("AccessDeniedException")):
        here.clock.pass_by(seconds=60)
        gone.append(here.share(here.key(tags), "000000000006"))
    assert {here.status(one) for one in gone} == {"ACTIVE"}
    assert "threshold" in kept.later().configuration_error

    kept.put(threshold=given)
    here.clock.pass_by(seconds=60)
    assert here.status(here.share(here.key(), "000000000007")) == "ARCHIVED"


def test_the_list_of_vendors_is_in_the_bucket(kept: LastKnownGood) -> None:
    kept.all_good()
    kept.put(policy='vendors_file = "vendors.yaml"\n[allow]\nvendors = ["Acme"]\n')
    for number in ("000000000001", "000000000002"):
        listed = f'- name: Acme\n  accounts: ["{number}"]\n'
        kept.s3.put_object(Bucket=BUCKET, Key="models/vendors.yaml", Body=listed)
        kept.later()
        assert kept.later().policy.contracted == {number}


def test_shadow_is_how_a_deployment_starts() -> None:
    assert policy.load().mode == "shadow"
