"""The policy: what is read, what is refused and how it is said."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from scoring.files.errors import BadInput
from scoring.policy import policy as policies
from scoring.policy.limits import Archives
from scoring.policy.policy import DEFAULT, Policy, Severity, ThresholdOverride, load, parse
from scoring.policy.starter_pack import starter_pack
from scoring.policy.vendors import read_vendors
from tests.scoring import strategies as some

DIGEST = "0f" * 32
VENDORS = """\
# Format
#   name: Vendor name.
- name: 'Datadog'
  source: ['https://docs.datadoghq.com/']
  accounts: ['464622532012', "417141415827"]
- name: 'Leading zero'
  source: ['https://example.com/']
  accounts: [012345678901]
- name: 'Amazon Redshift'
  type: 'aws'
  source: ['https://docs.aws.amazon.com/']
  accounts:
    - 193672423079
    - '464622532012'
- name: 'Nothing yet'
  source: []
"""


def fault(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        parse(text)
    message = str(caught.value)
    assert message.isprintable()
    return message


def test_the_built_in_policy_says_what_an_empty_one_says_but_for_its_rule_and_its_draws() -> None:
    built_in = load()
    assert parse("") == Policy()
    assert [rule.name for rule in built_in.expected] == ["tagged development key"]
    assert Policy(expected=built_in.expected, archives=Archives(draws_per_week=50)) == built_in
    assert built_in.mode == "shadow"
    assert all(getattr(built_in.guardrails, name) for name in built_in.guardrails.__struct_fields__)


def test_everything_that_a_policy_can_say() -> None:
    policy = parse(f"""
        mode = "enforce"
        organization_id = "o-a1b2c3d4e5"
        [threshold]
        value = 25
        model_sha256 = "{DIGEST}"
        [allow]
        accounts = {{ 012345678901 = "Partner" }}
        vendors = ["Datadog"]
        public_buckets = ["site.example.com"]
        [guardrails]
        public = false
        [[expected]]
        name = "audit"
        principal = ["arn:aws:iam::012345678901:role/audit"]
        [[never_archive]]
        name = "cardholder data"
        resource = ["arn:aws:s3:::cardholder-*"]
    """)
    assert policy.allow.accounts == {"012345678901": "Partner"}
    assert policy.threshold == ThresholdOverride(value=Decimal(25), model_sha256=DIGEST)
    assert not policy.guardrails.public
    assert policy.guardrails.reactivated
    assert (policy.expected[0].name, policy.never_archive[0].name) == ("audit", "cardholder data")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mode", "is no valid TOML"),
        ('mode = "shadow"\nmode = "enforce"', "is no valid TOML"),
        ('mode = "enforc"', "mode: expected shadow or enforce, got 'enforc'"),
        ("mode = 5", "mode: expected str, got int"),
        ("allow = 5", "allow: expected object, got int"),
        ("threshold = 25", "threshold: expected object | null, got int"),
        ("guardrail = {}", "unknown key 'guardrail'; did you mean 'guardrails'?"),
        ("[guardrails]\npublc = true", "guardrails: unknown key 'publc'; did you mean 'public'?"),
        ('[guardrails]\npublic = "no"', "guardrails.public: expected bool, got str"),
        ("[guardrails]\npublic = 0", "guardrails.public: expected bool, got int"),
        ('[allow]\nvendor = ["x"]', "allow: unknown key 'vendor'; did you mean 'vendors'?"),
        ('[allow]\nvendors = "x"', "allow.vendors: expected array, got str"),
        ('[allow]\nvendors = [" "]', "allow.vendors: expected names that are not empty"),
        ('[allow]\naccounts = ["464622532012"]', "allow.accounts: expected object, got array"),
        ('[allow]\naccounts = { 12 = "x" }', "allow.accounts: expected twelve digits, got '12'"),
        (
            '[allow]\naccounts = { "१२३४५६७८९०१२" = "x" }',
            "allow.accounts: expected twelve digits, got '१२३४५६७८९०१२'",
        ),
        (
            '[allow]\npublic_buckets = ["arn:aws:s3:::site"]',
            "allow.public_buckets: expected the name of a bucket, got 'arn:aws:s3:::site'",
        ),
        (
            '[allow]\npublic_buckets = ["site-*"]',
            "allow.public_buckets: expected the name of a bucket, got 'site-*'",
        ),
        *(
            (
                f'[allow]\nsubjects = {{ "{issuer}" = ["repo:acme/*"] }}',
                f"allow.subjects.{issuer}: expected an issuer as its provider is called, without https://",
            )
            for issuer in ("https://gitlab.com", "gitlab", "gitlab.com/", "git lab.com")
        ),
        *(
            (
                f'[allow]\nsubjects = {{ "{issuer}" = ["{pattern}"] }}',
                f"allow.subjects.{issuer}: expected a pattern that names your organization in full: "
                f"strangers must not match, got '{pattern}'",
            )
            for issuer, pattern in (
                *((some.GITHUB, pattern) for pattern in ("repo:*", "repo:acme*", "acme/*", "*")),
                (some.GITHUB.upper(), "*"),
                ("api.pulumi.com/oidc", "pulumi:deploy:org:*"),
                ("gitlab.com", "project_path:*"),
            )
        ),
        *(
            (
                f'[allow]\nsubjects = {{ "mine.example" = ["{pattern}"] }}',
                f"allow.subjects.mine.example: expected a subject without blanks and commas, got '{pattern}'",
            )
            for pattern in ("", " ", "a b", "a,b", "repo:\u0430cme/*")
        ),
        ('organization_id = "o-x"', "organization_id: expected o- and 10 to 32 letters or digits, got 'o-x'"),
        ("known_vendors = {}", "known_vendors: expected a vendors_file that names the list"),
        ("vendors_file = 5", "vendors_file: expected str | null, got int"),
        (
            f'[threshold]\nvalue = 25.05\nmodel_sha256 = "{DIGEST}"',
            "threshold.value: expected a number with at most one decimal, got '25.05'",
        ),
        (
            f'[threshold]\nvalue = nan\nmodel_sha256 = "{DIGEST}"',
            "threshold.value: expected a number from -100000 to 100000, got 'NaN'",
        ),
        (
            f'[threshold]\nvalue = 1e999999999\nmodel_sha256 = "{DIGEST}"',
            "threshold.value: expected a number from -100000 to 100000, got '1E+999999999'",
        ),
        ("[threshold]\nvalue = 25", "threshold: object missing required field model_sha256"),
        (
            f'[threshold]\nvalue = 25\nmodel_sha256 = "{DIGEST.upper()}"',
            "threshold.model_sha256: expected 64 hexadecimal digits",
        ),
        ("x = " + "[" * 5000, "is no valid TOML: nested too deeply"),
        ("x = " + "9" * 5000, "is no valid TOML"),
        ('[guardrails]\n"a\\u001b[2J" = true', r"guardrails: unknown key 'a\x1b[2J'"),
        ("[expected]\nname = 'x'", "expected: expected array, got object"),
        ("[[expected]]\nalias = 'x'", "expected[0]: object missing required field name"),
        ("[[expected]]\nnam = 'x'\nalias = 'x'", "expected[0]: unknown key 'nam'; did you mean 'name'?"),
    ],
)
def test_what_is_wrong(text: str, expected: str) -> None:
    message = fault(text)
    assert message == expected or (message.startswith(f"{expected}: ") and expected == "is no valid TOML")


@given(some.hostile_text)
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    for written in (text, f"mode = {text}", f"[guardrails]\n{text} = true", f"[[expected]]\nname = '{text}'"):
        message = ""
        try:
            parse(written)
        except BadInput as error:
            message = str(error)
        assert message.isprintable()


def test_the_threshold_is_the_models_unless_one_was_set_for_it() -> None:
    override = parse(f'[threshold]\nvalue = 25.5\nmodel_sha256 = "{DIGEST}"')
    assert override.threshold_for(DIGEST, 300) == 255
    assert override.threshold_for(DIGEST, None) == 255
    assert override.threshold_for("0e" * 32, 300) is None
    assert Policy().threshold_for(DIGEST, 300) == 300
    assert Policy().threshold_for(DIGEST, None) is None


def test_the_digest_is_of_everything_that_a_policy_says() -> None:
    said = ['mode = "enforce"', "[guardrails]\npublic = false", '[allow]\nvendors = ["x"]', ""]
    assert len({parse(text).sha256 for text in said}) == len(said)
    assert parse('# a comment\nmode = "enforce"').sha256 == parse(said[0]).sha256


# Known vendors


def written(folder: Path, text: str, allow: str = "") -> Path:
    (folder / "accounts.yaml").write_text(text, encoding="utf-8")
    (folder / "policy.toml").write_text(f'vendors_file = "accounts.yaml"\n[allow]\n{allow}', encoding="utf-8")
    return folder / "policy.toml"


def test_the_communitys_list_of_vendors(tmp_path: Path) -> None:
    policy = load(
        written(tmp_path, VENDORS, 'vendors = ["DATADOG"]\naccounts = { 222233334444 = "Partner" }')
    )
    assert policy.known_vendors == {
        "464622532012": "Datadog",  # the first to claim an account keeps it
        "417141415827": "Datadog",
        "012345678901": "Leading zero",
        "193672423079": "Amazon Redshift",
    }
    assert policy.contracted == {"464622532012", "417141415827", "222233334444"}


def test_a_contracted_vendor_that_the_list_does_not_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load(written(tmp_path, VENDORS, 'vendors = ["Datadogg"]'))
    expected = "allow.vendors: the list of known vendors has no 'Datadogg'; did you mean 'Datadog'?"
    assert str(caught.value) == f"{tmp_path / 'policy.toml'}: {expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ": expected a list of vendors"),
        ("name: Datadog", ": expected a list of vendors"),
        ("- Datadog", ": entry 0: expected a vendor with a name"),
        ("- name: Datadog\n- accounts: []", ": entry 1: expected a vendor with a name"),
        ("- name: Datadog\n  accounts: 464622532012", ": entry 0: accounts: expected a list of accounts"),
        ("- name: Datadog\n  accounts: [4646]", ": entry 0: accounts: expected twelve digits, got '4646'"),
        ("- name: Datadog\n  accounts: [[4]]", ": entry 0: accounts: expected twelve digits, got a list"),
        ("- name: Datadog\n  accounts: [464622532012", ": is no valid YAML: while parsing a flow sequence"),
        ("- !!python/object/apply:os.system [ls]", ": entry 0: expected a vendor with a name"),
        ("&a [*a]", ": is no valid YAML: found unconstructable recursive node"),
        ("[" * 3000, ": is no valid YAML: nested too deeply"),
    ],
)
def test_what_is_wrong_with_a_list_of_vendors(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(written(tmp_path, text))
    assert str(caught.value) == f"{tmp_path / 'accounts.yaml'}{expected}"


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeff" + VENDORS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(load(path).known_vendors) == 4


@pytest.mark.parametrize("name", ["missing.toml", "x" * 5000, "nul\0.toml", "bytes.toml", ""])
def test_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"mode = '\xff'")
    reads: tuple[Any, ...] = (load, read_vendors)
    for read in reads:
        with pytest.raises(BadInput) as caught:
            read(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path))
        assert "\n" not in str(caught.value)


def test_a_list_of_vendors_that_is_not_there(tmp_path: Path) -> None:
    path = written(tmp_path, VENDORS)
    (tmp_path / "accounts.yaml").unlink()
    with pytest.raises(BadInput, match=r"accounts\.yaml: cannot be read: No such file or directory"):
        load(path)


def test_every_guardrail_can_be_taken_down_by_its_name() -> None:
    from scoring.decision import never_seen
    from scoring.decision.guardrails import GUARDRAILS, NOT_JUDGED, SHARER_ALONE

    by_score = (never_seen.NAME, NOT_JUDGED, SHARER_ALONE)
    assert set(policies.Guardrails.__struct_fields__) == {*by_score, *(name for name, _ in GUARDRAILS)}


def test_what_the_built_in_policy_shows_in_comments_can_be_used() -> None:
    shown = re.sub(
        r'^# (\[+[a-z_.]+\]+|"?[\w][\w":/.-]* = .*)$', r"\1", DEFAULT.read_text("utf-8"), flags=re.M
    )
    policy = parse(shown.replace("<64 hexadecimal digits>", "0" * 64))
    assert len(policy.allow.subjects) == 3
    assert policy.allow.conditions == {"aws:PrincipalTag/team": ("payments",)}
    assert policy.own.buckets
    assert policy.own.distributions
    assert policy.own.providers
    assert policy.starter_pack == tuple(starter_pack())
    assert policy.severity == Severity()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[expected]]\nname = "a"\nresource = ["*"]\n', "expected[0]: expected a condition that leaves"),
        ('[[expected]]\nname = "a"\nresource = ["**"]\nprincipal = ["*"]\n', "every finding would match"),
        (
            '[[expected]]\nname = "a"\naccount = ["111122223333"]\n[[expected]]\nname = "a"\nalias = "x"\n',
            "expected[1].name: expected a name of its own, got 'a'",
        ),
    ],
)
def test_what_can_only_be_a_slip_is_refused(text: str, problem: str) -> None:
    with pytest.raises(BadInput, match=re.escape(problem)):
        parse(text)


def test_vendors_without_their_list_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[allow]\nvendors = ["Datadog"]\n')
    with pytest.raises(BadInput, match="expected a vendors_file beside it"):
        load(path)
