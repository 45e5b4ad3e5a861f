"""Everything in `scoring` that can change something in AWS, by the module that does it."""

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

ROOT = Path(__file__).parents[3]

WRITES = {
    "scoring.aws.analyzers": {"update_findings"},
    "scoring.aws.archive_rules": {
        "apply_archive_rule",
        "create_archive_rule",
        "delete_archive_rule",
        "update_archive_rule",
    },
    "scoring.aws.bucket": {"put_object"},
    "scoring.aws.dead_letters": {
        "change_message_visibility",
        "delete_message",
        "invoke",
        "receive_message",
        "send_message",
        "start_execution",
    },
    "scoring.decision_log.dynamodb": {"delete_item", "put_item", "transact_write_items", "update_item"},
    "scoring.decision_log.table": {"create_table", "update_time_to_live"},
    "scoring.pipeline.alerts.channels": {"publish", "send_email"},
    "scoring.pipeline.security_hub": {"batch_update_findings"},
}
STATUS_CHANGES = {
    "scoring.pipeline.archiving",  # what was decided to be archived
    "scoring.pipeline.undo",  # what was archived, brought back
    "scoring.review.verdict",  # what a person says
}
# How the operations begin that change nothing.
READS = (
    *("assume_role", "batch_get_", "describe_", "get_", "head_", "list_", "lookup_", "query", "scan"),
    *("search_", "select_", "simulate_", "transact_get_", "validate_"),
)
SERVICES = frozenset({"accessanalyzer", "dynamodb", "sesv2", "sns"})
"""Services whose clients are made elsewhere, and handed over."""


@pytest.fixture(scope="module")
def sources() -> dict[str, ast.Module]:
    files = sorted((ROOT / "scoring").rglob("*.py"))
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text()) for path in files
    }


@lru_cache(maxsize=1)
def known_services() -> frozenset[str]:
    return frozenset(botocore.session.get_session().get_available_services())


@lru_cache(maxsize=64)
def writing_operations(service: str) -> frozenset[str]:
    model = botocore.session.get_session().get_service_model(service)
    return frozenset(name for name in map(xform_name, model.operation_names) if not name.startswith(READS))


def services_of(trees: Iterable[ast.Module]) -> frozenset[str]:
    """Return the services that are named by a text somewhere, and those that are handed over."""
    texts = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return known_services().intersection(texts) | SERVICES


def names_of(tree: ast.Module) -> Iterator[str]:
    """Give what could be the name of an operation: attributes, and texts as `getattr` takes them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "_" in node.value:
            yield node.value


def writes_of(trees: dict[str, ast.Module]) -> dict[str, set[str]]:
    operations = frozenset().union(*map(writing_operations, services_of(trees.values())))
    found = {name: operations.intersection(names_of(tree)) for name, tree in trees.items()}
    return {name: set(writes) for name, writes in found.items() if writes}


def test_nobody_else_writes_to_aws(sources: dict[str, ast.Module]) -> None:
    assert writes_of(sources) == WRITES


def test_only_three_change_the_status_of_findings(sources: dict[str, ast.Module]) -> None:
    assert {name for name, tree in sources.items() if "update_status" in names_of(tree)} == STATUS_CHANGES


@pytest.mark.parametrize(
    "source",
    [
        "def f(client): client.put_item(TableName='t')",
        "write = partial(client.update_findings, status='ARCHIVED')",
        "getattr(client, 'create_archive_rule')()",
        "session.client('ssm').put_parameter(Name='n')",
        "clients.client('s3').delete_object(Bucket='b')",
    ],
)
def test_a_write_is_found(source: str) -> None:
    assert writes_of({"scoring.x": ast.parse(source)})


@pytest.mark.parametrize("source", ["client.get_item()", "client.list_findings()", "log.put(entry)"])
def test_a_read_is_none(source: str) -> None:
    assert not writes_of({"scoring.x": ast.parse(source)})
