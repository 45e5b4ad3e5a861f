"""The commands `triage rules ...`: native archive rules. What writes is a dry run unless told otherwise."""

from typing import TYPE_CHECKING, Annotated

import typer

from scoring.cli.options import DryRun, ListFormat, Profile, Region, access_analyzer

if TYPE_CHECKING:
    from scoring.aws.archive_rule_filter import Criterion
    from scoring.aws.archive_rules import ArchiveRule, Rules

_SHOWN = 20

app = typer.Typer(help="Native archive rules of an analyzer.", no_args_is_help=True, rich_markup_mode=None)


AnalyzerOption = Annotated[
    str, typer.Option("--analyzer-arn", metavar="ARN", help="The rules' analyzer.", show_default=False)
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the rule.", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Even if it may hide public access.")]


@app.command("list")
def list_(
    analyzer_arn: AnalyzerOption,
    output_format: ListFormat = "table",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List the rules of an analyzer.

    Those that may hide public access are marked.
    """
    from scoring.aws.archive_rule_filter import to_api
    from scoring.cli.output.console import print_records

    rules = _rules(analyzer_arn, profile, region)
    found = rules.all()
    if output_format != "table":
        records = [{"ruleName": rule.name, "filter": to_api(rule.filter)} for rule in found]
        print_records(records, output_format)
        return
    for rule in found:
        _show(rule, rules)
    typer.echo(f"{len(found)} archive rule{'' if len(found) == 1 else 's'}")


@app.command()
def create(
    name: Name,
    analyzer_arn: AnalyzerOption,
    filter: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(
            metavar="'KEY OPERATOR VALUE...'",
            help="A criterion, such as 'principal.AWS eq 111122223333'; may be repeated, all must hold.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="The filter as JSON, as the API takes it.", show_default=False),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change the rule of this name.")] = False,
    force: Force = False,
    apply: DryRun = False,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Create a rule, which archives new findings.

    What matches now is shown first. Refused where it may hide public access: add 'isPublic eq false', or say
    --force.
    """
    from scoring.aws.archive_rules import ArchiveRule

    rules = _rules(analyzer_arn, profile, region)
    rule = ArchiveRule(name, _read_filter(filter or [], file))
    rules.check_new(rule, is_replaced=replace)
    _preview(rule, rules, is_forced=force)
    if not apply:
        typer.echo("Nothing was written: --apply does it.")
        return
    (rules.replace if replace else rules.create)(rule)
    typer.echo(
        f"{'Changed' if replace else 'Created'}. For the findings that are there: triage rules apply {name}"
    )


@app.command("apply")
def apply_(
    name: Name,
    analyzer_arn: AnalyzerOption,
    force: Force = False,
    apply: DryRun = False,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Archive the findings that are there and match.

    Which they are is shown first. Access Analyzer archives them, not triage: the decision log does not know
    of it, and triage undo does not take it back. The preview lists all ids with --apply, to keep.
    """
    rules = _rules(analyzer_arn, profile, region)
    rule = rules.get(name)
    count = _preview(rule, rules, is_forced=force, shows_all=apply)
    if not apply:
        typer.echo("Nothing was written: --apply does it.")
    elif count:
        rules.apply(name)
        typer.echo("Applied.")


@app.command()
def delete(
    name: Name,
    analyzer_arn: AnalyzerOption,
    apply: DryRun = False,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Delete a rule; what it archived stays so."""
    rules = _rules(analyzer_arn, profile, region)
    _show(rules.get(name), rules)
    if apply:
        rules.delete(name)
    typer.echo("Deleted." if apply else "Nothing was written: --apply does it.")


def _rules(analyzer_arn: str, profile: str | None, region: str | None) -> "Rules":
    from scoring.aws.analyzers import AnalyzerArn
    from scoring.aws.archive_rules import Rules
    from scoring.aws.connection import Options, connect_as

    options = Options(profile=profile, region=region)
    region_of_arn = AnalyzerArn.parse(analyzer_arn, "--analyzer-arn").region
    analyzers = access_analyzer(connect_as(options, fallback_region=region_of_arn))
    return Rules(analyzers.look_up(analyzer_arn), analyzers)


def _read_filter(texts: list[str], file: str | None) -> "dict[str, Criterion]":
    from scoring.aws.archive_rule_filter import from_json, parse
    from scoring.files.errors import BadInput
    from scoring.files.json_file import read

    if (file is None) == (not texts):
        raise BadInput("expected a --filter or a --file", field="--filter")
    if file is None:
        return parse(texts)
    values = list(read(file))
    if len(values) != 1:
        raise BadInput("expected one JSON object", where=file)
    if values[0].error is not None:
        raise values[0].error
    try:
        return from_json(values[0].value)
    except BadInput as error:
        raise error.at(file) from None


def _preview(rule: "ArchiveRule", rules: "Rules", *, is_forced: bool, shows_all: bool = False) -> int:
    """Show a rule and what it matches; refuse one that may hide public access."""
    from scoring.aws.archive_rule_filter import may_hide_public
    from scoring.explanation.safe_text import visible
    from scoring.files.errors import BadInput

    _show(rule, rules)
    matched = list(rules.matched(rule))
    public = [finding for finding in matched if finding.is_public]
    typer.echo(f"Matches {len(matched)} of the active findings{f', {len(public)} public' if public else ''}.")
    for finding in matched if shows_all else matched[:_SHOWN]:
        mark = "  PUBLIC" if finding.is_public else ""
        typer.echo(f"  {visible(finding.id)}  {visible(finding.resource)}{mark}")
    if len(matched) > _SHOWN and not shows_all:
        typer.echo(f"  and {len(matched) - _SHOWN} more")
    if (public or may_hide_public(rule.filter, rules.analyzer.family)) and not is_forced:
        expected = "it may hide public access: add the criterion 'isPublic eq false', or say --force"
        raise BadInput(expected, where=f"rule {rule.name}")
    return len(matched)


def _show(rule: "ArchiveRule", rules: "Rules") -> None:
    from scoring.aws.archive_rule_filter import may_hide_public
    from scoring.explanation.safe_text import visible

    mark = "  (may hide public access)" if may_hide_public(rule.filter, rules.analyzer.family) else ""
    typer.echo(f"{visible(rule.name)}{mark}")
    for key, criterion in rule.filter.items():
        typer.echo(f"  {visible(key)} {visible(str(criterion))}")
