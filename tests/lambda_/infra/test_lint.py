"""The templates before the judges: cfn-lint, cdk-nag, the limits of CloudFormation."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.synthesis import ROOT, synthesized

pytestmark = pytest.mark.needs("deploy")

MOST_BYTES = 1_000_000  # of a template in a bucket
MOST_INLINE = 51_200  # of one that is handed over in a request, or is in a StackSet here


def templates() -> list[Path]:
    """All but the console's, which is the stack's with another place for the code (`test_stack`)."""
    return sorted(
        file for file in synthesized().glob("**/*.template.json") if "Console" not in file.parent.name
    )


def test_cfn_lint_finds_nothing() -> None:
    command = [".venv-deploy/bin/cfn-lint", "--config-file", "lambda/.cfnlintrc", *map(str, templates())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_cdk_nag_finds_nothing_that_is_not_acknowledged() -> None:
    report = synthesized() / "validation-report.json"
    reports = json.loads(report.read_text())["pluginReports"] if report.exists() else []

    assert [violation for one in reports for violation in one["violations"]] == []


@pytest.mark.slow
def test_each_acknowledgement_is_needed_and_without_them_cdk_nag_fails(tmp_path: Path) -> None:
    code = (
        "from infra import nag_suppressions;"
        "from infra.stacks import application;"
        "acknowledged = nag_suppressions.ACKNOWLEDGED;"
        "expected = set(acknowledged); acknowledged.clear();"
        "import json; print(json.dumps(sorted(expected)), flush=True);"
        "application.application().synth()"
    )
    done = subprocess.run(
        [str(ROOT / ".venv-deploy/bin/python"), "-c", code],
        cwd=ROOT / "lambda",
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "CDK_OUTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    reports = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    found = {violation["ruleName"] for one in reports for violation in one["violations"]}

    assert done.returncode != 0
    assert {name.removeprefix("CloudFormation-Validate::") for name in json.loads(done.stdout)} == found


def test_templates_fit_into_cloudformation() -> None:
    for file in templates():
        content = file.read_bytes()
        assert len(content) < MOST_BYTES, file.name
        made = json.loads(content)
        assert len(made["Resources"]) < 500
        for resource in made["Resources"].values():
            body = resource.get("Properties", {}).get("TemplateBody", "")
            assert len(body) < MOST_INLINE, file.name


def test_no_credentials_or_accounts_are_in_the_templates() -> None:
    for file in templates():
        text = file.read_text()
        assert "AKIA" not in text
        assert str(ROOT) not in text
