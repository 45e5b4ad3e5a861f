"""The figures of docs/costs.md are those of the template that is deployed.

UPDATE_GOLDEN=1 writes them anew.
"""

import copy
import os
import re

import pytest

from tests.lambda_.infra import costs
from tests.lambda_.infra.conftest import Template
from tests.synthesis import ROOT, synthesized

pytestmark = pytest.mark.needs("deploy")

PAGE = ROOT / "docs/costs.md"
BEGIN, END = "<!-- computed by tests/lambda_/infra/costs.py -->\n", "<!-- end of what is computed -->\n"
ZIP_MB = re.compile(r"zip has [\d.]+ MB")  # differs a little with the packages' builds


def test_the_page_says_what_the_template_costs(stack: Template) -> None:
    file = synthesized() / "AccessTriage.template.json"
    zip_bytes = (ROOT / "build/access-triage.zip").stat().st_size
    computed = costs.page(stack.all, file.stat().st_size, zip_bytes)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    written, _, after = rest.partition(END)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(f"{before}{BEGIN}{computed}{END}{after}", encoding="utf-8")
        written = computed
    assert ZIP_MB.sub("", written) == ZIP_MB.sub("", computed)
    (said,) = re.findall(r"zip has ([\d.]+) MB", written)
    assert float(said) == pytest.approx(zip_bytes / 1e6, rel=0.1)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("Lambda, `workflow`", ("StepsEnrichFunction", "MemorySize", 2048)),
        ("Lambda, schedule", ("ScheduleRule", "ScheduleExpression", "rate(1 minute)")),
    ],
)
def test_a_change_of_the_template_changes_the_cost(
    stack: Template, part: str, change: tuple[str, str, object]
) -> None:
    changed = copy.deepcopy(stack.all)
    name, key, value = change
    (resource,) = (
        one
        for logical_id, one in changed["Resources"].items()
        if name in logical_id and key in one.get("Properties", {})
    )
    resource["Properties"][key] = value
    before, after = (
        next(line for line in costs.lines(template) if line.what == part).dollars(100_000)
        for template in (stack.all, changed)
    )
    assert after > before


def test_without_an_alarm_it_costs_less(stack: Template) -> None:
    fewer = copy.deepcopy(stack.all)
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    del fewer["Resources"][next(name for name in alarms if "BreakerOpen" in name)]
    before, after = (sum(line.dollars(0) for line in costs.lines(one)) for one in (stack.all, fewer))
    assert before - after == pytest.approx(0.1)
