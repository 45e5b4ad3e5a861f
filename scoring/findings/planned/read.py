"""A file of a change, recognised by its content: policy, template, plan, or an access preview's findings."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scoring.files import strict_json, yaml_text
from scoring.files.errors import BadInput
from scoring.files.json_file import name_of, open_lines
from scoring.findings.planned import cloudformation, terraform
from scoring.findings.planned.planned import (
    Deployment,
    Place,
    PlannedCase,
    PlannedPolicy,
    cases_of,
    policy_file,
)
from scoring.findings.record import read_value

MOST: Final = 64 * 1024 * 1024
"""Characters of a file: a plan of some thousands of resources has a tenth of it."""


def planned_cases(
    source: str, deployment: Deployment, *, resource: str | None = None, resource_type: str | None = None
) -> Iterator[PlannedCase | BadInput]:
    """Read the findings that a change would raise.

    Parameters
    ----------
    source : str
        A path, or ``-`` for standard input.
    resource, resource_type : str, optional
        What a bare policy is of.

    Yields
    ------
    PlannedCase or BadInput
        A finding, or what could not be read in place of one; the rest still comes.

    Raises
    ------
    BadInput
        The file cannot be read at all, or is none of these.
    """
    name = name_of(source)
    try:
        text = _text(source)
        value = _decoded(text)
        if not isinstance(value, Mapping):
            raise BadInput("expected a policy, a template, a plan or the findings of a preview", value=value)
        for policy in _policies(value, name, text, deployment, resource, resource_type):
            if isinstance(policy, (BadInput, PlannedCase)):
                yield policy.at(name) if isinstance(policy, BadInput) else policy
                continue
            try:
                yield from cases_of(policy, deployment)
            except BadInput as error:
                yield error.at(name)
    except BadInput as error:
        raise error if error.where.startswith(name) else error.at(name) from None
    except RecursionError:
        raise BadInput("nested too deep", where=name) from None


def _policies(
    value: Mapping[str, Any],
    name: str,
    text: str,
    deployment: Deployment,
    resource: str | None,
    resource_type: str | None,
) -> Iterator[PlannedPolicy | PlannedCase | BadInput]:
    if terraform.is_plan(value):
        yield from terraform.policies_of(value, name, deployment)
    elif cloudformation.is_template(value):
        yield from cloudformation.policies_of(value, name, text, deployment)
    elif "Statement" in value:
        yield policy_file(value, Place(file=name, line=1), resource, resource_type)
    elif isinstance(value.get("findings"), list):
        yield from _of_preview(value, name)
    else:
        raise BadInput(
            "expected a policy (Statement), a CloudFormation template (Resources), a plan of"
            " terraform show -json (resource_changes) or an access preview's findings (findings)"
        )


def _of_preview(value: Mapping[str, Any], name: str) -> Iterator[PlannedCase | BadInput]:
    """Read what ``aws accessanalyzer list-access-preview-findings`` prints; what stays as it is left out."""
    listed = value["findings"]
    changed = [one for one in listed if not (isinstance(one, dict) and one.get("changeType") == "UNCHANGED")]
    for entry in read_value({"findings": changed}):
        if entry.error is not None:
            yield entry.error.at(entry.where) if entry.where else entry.error
        elif entry.case is not None:
            finding = entry.case.finding
            place = Place(file=name, name=finding.resource)
            yield PlannedCase(place=place, case=entry.case)


def _text(source: str) -> str:
    pieces: list[str] = []
    size = 0
    with open_lines(source) as lines:
        for line in lines:
            size += len(line)
            if size > MOST:
                raise BadInput(f"expected at most {MOST:,} characters")
            pieces.append(line)
    text = "".join(pieces).removeprefix("\ufeff")
    if any("\udc80" <= char <= "\udcff" for char in text if char > "\x7f"):
        raise BadInput("expected UTF-8")
    return text


def _decoded(text: str) -> object:
    start = len(text) - len(text.lstrip())
    if text[start : start + 1] not in ("{", "["):
        if not text.strip():
            raise BadInput("expected a policy, a template or a plan, got nothing")
        return yaml_text.decode(text)
    try:
        value, end = strict_json.decode(text, start)
    except strict_json.Malformed as error:
        line = text.count("\n", 0, error.position or 0) + 1
        raise BadInput(error.problem, where=f"line {line}") from None
    if text[end:].strip():
        raise BadInput("expected one value, got another behind it")
    return value
