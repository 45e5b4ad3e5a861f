"""What has to be in place before findings are triaged: each check says what it saw, and how to mend it.

`run_checks` runs the table of checks. Nothing is written; one that fails does not keep the next from running.
"""

from collections.abc import Callable, Iterator

from scoring.aws.errors import reason, what_to_do
from scoring.cli.doctor import account, archive_rules, permissions, resources, settings
from scoring.cli.doctor.result import CheckResult, Target, problem
from scoring.files.errors import BadInput

CHECKS: tuple[tuple[str, Callable[[Target], Iterator[CheckResult]]], ...] = (
    ("model", settings.check_model),
    ("policy", settings.check_policy),
    ("facts", settings.check_facts),
    ("credentials", account.check_credentials),
    ("region", account.check_region),
    ("analyzers", resources.check_analyzers),
    ("archive rules", archive_rules.check_rules),
    ("organization", account.check_organization),
    ("member accounts", account.check_members),
    ("table", resources.check_table),
    ("topic", resources.check_topic),
    ("permissions", permissions.check_permissions),
)
"""One row a check, in the order in which they are reported."""

_WITHOUT_AWS = ("model", "policy", "facts")


def run_checks(target: Target) -> Iterator[CheckResult]:
    """Run all checks; those that ask AWS only if there are credentials that hold."""
    has_credentials = True
    for name, check in CHECKS:
        if not has_credentials and name not in _WITHOUT_AWS:
            continue
        results = _run(name, check, target)
        yield from results
        if name == "credentials":
            has_credentials = all(result.status == "ok" for result in results)


def _run(name: str, check: Callable[[Target], Iterator[CheckResult]], target: Target) -> list[CheckResult]:
    results: list[CheckResult] = []
    try:
        results += [result.named(name) for result in check(target)]
    except BadInput as error:
        results.append(problem(str(error)).named(name))
    except Exception as error:
        if reason(error) is None:
            raise
        results.append(problem(what_to_do(error)).named(name))
    return results
