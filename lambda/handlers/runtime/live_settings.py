"""Mode, policy, threshold and model as they are at the moment, changed without a deploy.

Each of them is read again when it is half a minute old. While what was read is invalid, or cannot be read,
the last good value is used and an alert names the problem; where there has never been a good one, nothing is
archived and everything alerts. Where nobody has written any, the built-in policy and the built-in card hold.

The threshold has to be said: an override, or ``none`` for the model's own. A parameter that is gone says
neither. Until it is back nothing is archived, also where an override was read before.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal

import msgspec

from handlers.runtime.last_good import LastKnownGood, Problem
from scoring.aws.bucket import Bucket
from scoring.aws.errors import DENIED, code
from scoring.files.errors import BadInput
from scoring.policy import policy as policies
from scoring.policy import vendors as vendors_module
from scoring.policy.policy import Policy, ThresholdOverride
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.version_folder import CURRENT, current_version, version_in

FRESH_SECONDS = 30.0
MODES = ("shadow", "enforce")
NONE = "none"

_GONE = "there is no such parameter"
_NO_OBJECT = "there is no such object"
_NEVER_WILL = (*DENIED, "NoSuchBucket", "ValidationException", "InvalidKeyId")

Mode = Literal["shadow", "enforce"]


class Override(msgspec.Struct, frozen=True):
    """The threshold that somebody set by hand, if there is one."""

    threshold: ThresholdOverride | None = None


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What holds at the moment.

    Attributes
    ----------
    configuration_error : str
        Why nothing may be archived, where a value has never been good; otherwise empty.
    problems : tuple of Problem
        What is invalid or cannot be read, whether or not an older value is used in its place.
    """

    card: Scorecard
    policy: Policy
    mode: Mode
    configuration_error: str = ""
    problems: tuple[Problem, ...] = ()


class Live:
    """Reads parameters below a prefix, and the model in a bucket.

    Parameters
    ----------
    ssm : SSM client
    prefix : str or None
        Of the parameters ``/mode``, ``/policy`` and ``/threshold``; None where they are not kept there.
    bucket : Bucket or None
        Where the model versions are, with the name of the promoted one in ``current``; None where the model
        is not kept there. A policy in a parameter may name a list of vendors in it.
    otherwise : Configuration
        What holds for anything that is kept in neither.
    """

    def __init__(self, ssm: Any, prefix: str | None, bucket: Bucket | None, otherwise: Configuration) -> None:
        self._ssm, self._bucket, self._otherwise = ssm, bucket, otherwise
        self._prefix = prefix.rstrip("/") if prefix else None
        self._mode: LastKnownGood[Mode] = LastKnownGood("mode")
        self._policy: LastKnownGood[Policy] = LastKnownGood("policy")
        self._override: LastKnownGood[Override] = LastKnownGood("threshold")
        self._card: LastKnownGood[Scorecard] = LastKnownGood("model")
        self._read_at: datetime | None = None

    def at(self, now: datetime) -> Configuration:
        """Return what holds now.

        Raises
        ------
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            A value has never been read, and AWS fails for a moment.
        """
        if self._read_at is None or not 0 <= (now - self._read_at).total_seconds() < FRESH_SECONDS:
            self._read()
            self._read_at = now
        return self._configuration()

    def _read(self) -> None:
        if self._prefix is not None:
            _reading(self._read_parameters, self._mode, self._policy, self._override)
        if self._bucket is not None:
            _reading(partial(self._read_model, self._bucket), self._card)

    def _read_parameters(self) -> None:
        kinds: tuple[LastKnownGood[Any], ...] = (self._mode, self._override, self._policy)
        names = {f"{self._prefix}/{value.name}": value.name for value in kinds}
        answer = self._ssm.get_parameters(Names=list(names), WithDecryption=True)
        found = {names[one["Name"]]: (one["Value"], str(one["Version"])) for one in answer["Parameters"]}
        for value, read in zip(kinds, (_mode, _override, self._with_vendors), strict=True):
            where = f"{self._prefix}/{value.name}"
            if value.name in found:
                text, version = found[value.name]
                rests_on = self._vendors_version() if value is self._policy else ""
                value.update(version + rests_on, partial(_parsed, text, read, where))
            elif value is self._policy:
                value.use_default(self._otherwise.policy, f"{where}: {_GONE}")
            elif value is self._override:
                value.take_away(f"{where}: {_GONE}; write the override, or {NONE}")
            else:
                value.keep(f"{where}: {_GONE}")

    def _vendors_version(self) -> str:
        """Return which list of vendors there is now, where the policy names one."""
        path = self._policy.value.vendors_file if self._policy.value else None
        if path is None or self._bucket is None:
            return ""
        try:
            stored = self._bucket.read_again(path)
        except BadInput as error:
            return str(error)
        return stored.etag if stored else _NO_OBJECT

    def _with_vendors(self, text: str) -> Policy:
        policy = policies.parse(text)
        if policy.vendors_file is None:
            return policy
        if self._bucket is None:
            raise BadInput("expected a model in a bucket, and the list there", field="vendors_file")
        stored = self._bucket.read_again(policy.vendors_file)
        if stored is None:
            raise BadInput(_NO_OBJECT, field="vendors_file", value=policy.vendors_file)
        vendors = vendors_module.parse_vendors(_text(stored.content), policy.vendors_file)
        return policies.with_vendors(policy, vendors)

    def _read_model(self, bucket: Bucket) -> None:
        current = bucket.read_again(CURRENT)
        if current is None:
            self._card.use_default(self._otherwise.card, f"{bucket.address}/{CURRENT}: {_NO_OBJECT}")
        else:
            self._card.update(str(current.content), partial(_promoted, bucket, current.content))

    def _configuration(self) -> Configuration:
        otherwise, values = self._otherwise, list[LastKnownGood[Any]]()
        mode, policy, card = otherwise.mode, otherwise.policy, otherwise.card
        if self._prefix is not None:
            values += [self._mode, self._policy, self._override]
            # Where nobody knows the mode, alerts go out.
            mode = self._mode.value or "enforce"
            policy = self._policy.value or policy
            override = self._override.value
            if override is not None and override.threshold is not None:
                policy = msgspec.structs.replace(policy, threshold=override.threshold)
        if self._bucket is not None:
            values.append(self._card)
            card = self._card.value or card
        problems = tuple(one.problem for one in values if one.problem is not None)
        never = "; ".join(
            f"{problem.name}: {problem.text}" for problem in problems if not problem.has_last_good
        )
        return Configuration(
            card=card,
            policy=policy,
            mode=mode,
            configuration_error=f"the configuration cannot be used: {never}" if never else "",
            problems=problems,
        )


def _reading(read: Callable[[], None], *values: LastKnownGood[Any]) -> None:
    """Read; where that fails the last good values are kept, if there are any."""
    try:
        read()
    except Exception as error:
        why = code(error) or type(error).__name__
        if any(one.value is None for one in values) and why not in _NEVER_WILL:
            raise
        for one in values:
            one.keep(f"cannot be read: {why}")


def _parsed(text: str, read: Callable[[str], Any], where: str) -> Any:
    try:
        return read(text)
    except BadInput as error:
        raise error.at(where) from None


def _mode(text: str) -> Mode:
    if text.strip() not in MODES:
        raise BadInput("expected shadow or enforce", value=text)
    return "enforce" if text.strip() == "enforce" else "shadow"


def _override(text: str) -> Override:
    if text.strip() == NONE:
        return Override()
    try:
        given = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode(text)
        threshold = msgspec.convert(policies.without_schema(given), ThresholdOverride)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error) from None
    except msgspec.DecodeError:
        raise BadInput('expected {"value": ..., "model_sha256": ...} or none', value=text) from None
    policies.check_threshold(threshold)
    return Override(threshold)


def _promoted(bucket: Bucket, current: bytes) -> Scorecard:
    """Read the scorecard of the version that is promoted."""

    def read(path: str) -> bytes | None:
        stored = bucket.read_again(path)
        return stored.content if stored else None

    name = current_version(current, bucket.address)
    return formats.load_version(version_in(read, name, bucket.address))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("is not UTF-8") from None
