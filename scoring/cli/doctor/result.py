"""What a check is given, and what it says."""

from typing import Literal

import msgspec

from scoring.aws.analyzers import AccessAnalyzer
from scoring.aws.enrich import Aws
from scoring.cli.options import access_analyzer
from scoring.decision.settings import Settings
from scoring.files.errors import BadInput


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is examined.

    Attributes
    ----------
    region : str or None
        Of the session.
    model, policy : str or None
        As the command line names them; built in where they are left out.
    principal_arn : str or None
        Whose permissions count, for example the Lambda's role; the caller's own by default.
    """

    aws: Aws
    region: str | None
    analyzer_arns: tuple[str, ...] = ()
    topic_arn: str | None = None
    table: str | None = None
    role_name: str | None = None
    model: str | None = None
    policy: str | None = None
    principal_arn: str | None = None

    @property
    def analyzers(self) -> AccessAnalyzer:
        """The client of Access Analyzer."""
        return access_analyzer(self.aws)

    def settings(self) -> Settings | None:
        """Model and policy; None where they cannot be read, which is told elsewhere."""
        from scoring.decision.settings import load_settings

        try:
            return load_settings(self.model, self.policy)
        except BadInput:
            return None


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was seen.

    Attributes
    ----------
    status : str
        ``ok``, ``note`` (nothing is wrong, but somebody should know) or ``problem``.
    fix : str
        What to do about it.
    """

    check: str = ""
    status: Literal["ok", "note", "problem"]
    text: str
    fix: str = ""

    def named(self, check: str) -> "CheckResult":
        """Return the same under the name of the check."""
        return msgspec.structs.replace(self, check=check)


def ok(text: str) -> CheckResult:
    """Say that something is as it should be."""
    return CheckResult(status="ok", text=text)


def note(text: str, fix: str = "") -> CheckResult:
    """Say what somebody should know."""
    return CheckResult(status="note", text=text, fix=fix)


def problem(text: str, fix: str = "") -> CheckResult:
    """Say what is wrong."""
    return CheckResult(status="problem", text=text, fix=fix)
