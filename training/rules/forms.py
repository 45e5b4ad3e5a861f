"""Suggested archive rules as people read them, and as commands, CDK and CloudFormation take them.

Values come out of findings, so each form quotes them in its own way; beyond that `training.rules.search`
suggests nothing that is not plain.
"""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from scoring.aws.analyzers import Family
from scoring.aws.archive_rule_filter import to_api
from scoring.explanation.safe_text import visible
from training.report.sentences import percent
from training.rules.suggest import Suggestion

_ANALYZER: Final[dict[Family, str]] = {
    "external": "ORGANIZATION",
    "internal": "ORGANIZATION_INTERNAL_ACCESS",
    "unused": "ORGANIZATION_UNUSED_ACCESS",
}


def as_text(found: Sequence[Suggestion], confidence: float) -> str:
    """Write rules for people: what each asks, what it rests on, what it would have archived, what to fear."""
    if not found:
        return "No rule: none would have archived enough findings, all of them expected."
    lines = []
    for number, one in enumerate(found, 1):
        lines += [f"{number}. {one.name}", f"   findings of {one.family} access where"]
        lines += [
            f"     {visible(key, 80)} {visible(str(one.filter[key]), 1200)}" for key in sorted(one.filter)
        ]
        levels = f"; {_levels(one)}" if one.levels else ""
        lines += [
            _field("rests on", f"{one.support} expected findings, and {one.checked} later ones"),
            _field(
                "precision", f"at least {percent(one.precision_lower)}, confidence {percent(confidence, 0)}"
            ),
            _field("archives", f"{one.archived} findings, {one.unlabelled} without a verdict{levels}"),
            *(_field("such as", visible(resource)) for resource in one.examples[:1]),
            *(_field("" if number else "risk", risk) for number, risk in enumerate(one.risks)),
            "",
        ]
    lines.append(
        "The bounds hold together, and count the later findings only. To look at what matches now, and to\n"
        "create: triage rules create NAME --analyzer-arn ARN --file FILTER (see --format json)"
    )
    return "\n".join(lines)


def as_json(found: Sequence[Suggestion]) -> str:
    """Write rules for programs; `filter` is what the API and `triage rules create --file` take."""
    plain = [asdict(one) | {"filter": to_api(one.filter)} for one in found]
    return json.dumps(plain, indent=1)


def as_commands(found: Sequence[Suggestion]) -> str:
    """Write commands of the AWS CLI; the analyzer's name is left to the shell's variable ``ANALYZER``."""
    return "\n".join(
        " ".join(
            (
                "aws accessanalyzer create-archive-rule",
                '--analyzer-name "$ANALYZER"',
                f"--rule-name {shlex.quote(one.name)}",
                f"--filter {shlex.quote(json.dumps(to_api(one.filter)))}",
            )
        )
        for one in found
    )


def as_cdk(found: Sequence[Suggestion]) -> str:
    """Write the rules as an argument of `CfnAnalyzer` in a CDK app in Python."""
    lines = ["from aws_cdk.aws_accessanalyzer import CfnAnalyzer", ""]
    for family, some in _by_family(found):
        lines.append(f"{family.upper()}_ARCHIVE_RULES = [  # archive_rules of an analyzer of {family} access")
        for one in some:
            lines.append("    CfnAnalyzer.ArchiveRuleProperty(")
            lines.append(f"        rule_name={one.name!a},")
            lines.append("        filter=[")
            for entry in _entries(one):
                said = ", ".join(f"{name.lower()}={value!a}" for name, value in entry.items())
                lines.append(f"            CfnAnalyzer.FilterProperty({said}),")
            lines += ["        ],", "    ),"]
        lines += ["]", ""]
    return "\n".join(lines)


def as_terraform(found: Sequence[Suggestion]) -> str:
    """Write the rules for analyzers that are there already; a variable for each family names its analyzer.

    References
    ----------
    Terraform Registry, hashicorp/aws, "Resource: aws_accessanalyzer_archive_rule".
    """
    lines: list[str] = []
    for family, some in _by_family(found):
        lines += [f'variable "{family}_analyzer_name" {{', "  type = string", "}", ""]
        for number, one in enumerate(some, 1):
            lines += [
                f'resource "aws_accessanalyzer_archive_rule" "{family}_{number}" {{',
                f"  analyzer_name = var.{family}_analyzer_name",
                f"  rule_name     = {_hcl(one.name)}",
            ]
            for key, asked in sorted(to_api(one.filter).items()):
                lines += ["  filter {", f"    criteria = {_hcl(key)}"]
                lines += [f"    {name} = {_hcl(value)}" for name, value in asked.items()]
                lines.append("  }")
            lines += ["}", ""]
    return "\n".join(lines)


def _hcl(value: object) -> str:
    """Write a value as Terraform reads it: as JSON, but that ``${`` and ``%{`` begin nothing."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def as_cloudformation(found: Sequence[Suggestion]) -> str:
    """Write a template with an analyzer for each family, which has the rules."""
    resources = {
        f"{family.capitalize()}Analyzer": {
            "Type": "AWS::AccessAnalyzer::Analyzer",
            "Properties": {
                "Type": _ANALYZER[family],
                "ArchiveRules": [{"RuleName": one.name, "Filter": _entries(one)} for one in some],
            },
        }
        for family, some in _by_family(found)
    }
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}, indent=2)


def _entries(one: Suggestion) -> list[dict[str, Any]]:
    return [
        {"Property": key} | {name.capitalize(): value for name, value in asked.items()}
        for key, asked in sorted(to_api(one.filter).items())
    ]


def _by_family(found: Sequence[Suggestion]) -> list[tuple[Family, list[Suggestion]]]:
    families = dict.fromkeys(one.family for one in found)
    return [(family, [one for one in found if one.family == family]) for family in families]


def _levels(one: Suggestion) -> str:
    return ", ".join(f"{count} {level.lower()}" for level, count in one.levels.items())


def _field(label: str, text: str) -> str:
    return textwrap.fill(
        text,
        width=100,
        initial_indent=f"   {label:<12}",
        subsequent_indent=" " * 15,
        break_long_words=False,
        break_on_hyphens=False,
    )
