"""Options that several commands take, each said once, and what some of them stand for."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from scoring.aws.analyzers import AccessAnalyzer
    from scoring.aws.enrich import Aws
    from scoring.decision_log.log import DecisionLog

OutputFormat = Literal[
    "table", "text", "html", "json", "jsonl", "csv", "records", "parquet", "sarif", "markdown", "ocsf"
]
"""How output is written; each command takes some of these."""

DecisionFormat = Annotated[
    Literal["table", "json", "jsonl", "csv", "records", "parquet", "ocsf", "sarif"],
    typer.Option(
        "--format",
        help="A table for people; one decision for each finding in the others. records: finding, context and"
        " decision, as train and explain read them. ocsf: IAM Analysis Findings of OCSF 1.6."
        " sarif: SARIF 2.1.0.",
    ),
]
ListFormat = Annotated[
    Literal["table", "json", "jsonl"],
    typer.Option("--format", help="A table for people; the others for programs."),
]
ReportFormat = Annotated[
    Literal["table", "json"], typer.Option("--format", help="A table for people, JSON for programs.")
]
TextFormat = Annotated[
    Literal["text", "html", "json"],
    typer.Option("--format", help="Text, one HTML page, or JSON for programs."),
]

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE|-",
        help="Findings as AWS gives them, or records; JSON or JSON lines, also gzipped. - is standard input.",
        show_default=False,
    ),
]
OutputFile = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="F",
        help="Write to this file, when all is done. Default: standard output.",
        show_default=False,
    ),
]
ModelFile = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="M",
        envvar="TRIAGE_MODEL",
        help="A scorecard.json, a version's folder or a registry's folder. Default: the built-in card.",
        show_default=False,
    ),
]
PolicyFile = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="P",
        envvar="TRIAGE_POLICY",
        help="A policy.toml. Default: the built-in policy.",
        show_default=False,
    ),
]
Threshold = Annotated[
    str | None,
    typer.Option(
        metavar="T", help="Points; below it a finding is archived. Default: the model's.", show_default=False
    ),
]
_ANALYZERS = typer.Option(
    "--analyzer-arn", metavar="ARN", help="An analyzer; may be repeated.", show_default=False
)
AnalyzerArns = Annotated[list[str], _ANALYZERS]
OptionalAnalyzerArns = Annotated[list[str] | None, _ANALYZERS]
RoleName = Annotated[
    str | None,
    typer.Option(metavar="R", help="Role to assume in member accounts for their facts.", show_default=False),
]
ExternalId = Annotated[
    str | None,
    typer.Option(metavar="X", help="External id that this role asks for.", show_default=False),
]
Profile = Annotated[
    str | None, typer.Option(metavar="P", help="Profile of the AWS configuration.", show_default=False)
]
Region = Annotated[
    str | None, typer.Option(metavar="R", help="Default: the configuration's.", show_default=False)
]
LogTable = Annotated[
    str | None,
    typer.Option(
        "--table",
        metavar="NAME",
        envvar="TRIAGE_TABLE",
        help="DynamoDB table of the decision log.",
        show_default=False,
    ),
]
AccountsFile = Annotated[
    str | None,
    typer.Option(
        "--accounts",
        metavar="FILE",
        help="All accounts of the organization: output of aws organizations list-accounts, or a CSV with id,"
        " name and ou. An account that is not in it counts as outside.",
        show_default=False,
    ),
]
SortBy = Annotated[
    Literal["risk", "score", "input"],
    typer.Option(
        "--sort", help="Order of the table: known risk, the score at worst, or as they come in the file."
    ),
]
NoGroup = Annotated[
    bool, typer.Option("--no-group", help="A row for each finding in the table, and all of them.")
]
LogFile = Annotated[
    str | None,
    typer.Option(
        "--log",
        metavar="FILE",
        envvar="TRIAGE_LOG",
        help="Local file with the decision log, in place of a table.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--apply", help="Do it; without this it is a dry run.")]


def decision_log(
    table: str | None, aws: "Aws", file: str | None = None, *, create: bool = False
) -> "DecisionLog":
    """Return the decision log: a local file, or a table in the session's own account and region.

    Parameters
    ----------
    create : bool
        Whether a file that is not there is made.

    Raises
    ------
    BadInput
        Neither is named, or both are, or the file is none.
    """
    from scoring.decision_log.log import DecisionLog
    from scoring.files.errors import BadInput

    table, file = named_log(table, file)
    if file:
        return DecisionLog.in_file(file, create=create)
    if not table:
        raise BadInput(
            "expected the decision log's table (or TRIAGE_TABLE), or a local file (--log FILE)",
            field="--table",
        )
    return DecisionLog.in_table(aws.sessions.client("dynamodb"), table)


def named_log(table: str | None, file: str | None) -> tuple[str | None, str | None]:
    """Return the table or the file that holds the log; an option counts before the environment.

    Raises
    ------
    BadInput
        Both are named in the same place.
    """
    import os

    from scoring.files.errors import BadInput

    if not (table and file):
        return table, file
    is_typed = table != os.environ.get("TRIAGE_TABLE")
    if is_typed == (file != os.environ.get("TRIAGE_LOG")):
        raise BadInput("expected a table or a file, not both", field="--log", value=file)
    return (table, None) if is_typed else (None, file)


def access_analyzer(aws: "Aws") -> "AccessAnalyzer":
    """Return the client of Access Analyzer; what AWS refuses becomes bad input of one line."""
    from scoring.aws.analyzers import SERVICE, AccessAnalyzer
    from scoring.aws.errors import as_bad_input
    from scoring.aws.sessions import regional

    return AccessAnalyzer(regional(aws.sessions, SERVICE), as_bad_input)
