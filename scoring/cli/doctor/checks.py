"""What has to be in place before findings are triaged: each check says what it saw, and how to mend it.

`examine` runs the table of checks. Nothing is written; one that fails does not keep the next from running.
"""

from collections.abc import Callable, Iterator

from scoring.aws.errors import reason, what_to_do
from scoring.cli.doctor import account, archive_rules, permissions, resources, settings
from scoring.cli.doctor.result import Patient, Result, problem
from scoring.files.errors import BadInput

CHECKS: tuple[tuple[str, Callable[[Patient], Iterator[Result]]], ...] = (
    ("model", settings.check_model),
    ("policy", settings.check_policy),
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

_WITHOUT_AWS = ("model", "policy")


def examine(patient: Patient) -> Iterator[Result]:
    """Run all checks; those that ask AWS only if there are credentials that hold."""
    has_credentials = True
    for name, check in CHECKS:
        if not has_credentials and name not in _WITHOUT_AWS:
            continue
        results = _run(name, check, patient)
        yield from results
        if name == "credentials":
            has_credentials = all(result.status == "ok" for result in results)


def _run(name: str, check: Callable[[Patient], Iterator[Result]], patient: Patient) -> list[Result]:
    results: list[Result] = []
    try:
        results += [result.named(name) for result in check(patient)]
    except BadInput as error:
        results.append(problem(str(error)).named(name))
    except Exception as error:
        if reason(error) is None:
            raise
        results.append(problem(what_to_do(error)).named(name))
    return results
