"""The steps of a score add up to it, exactly, and the picture stays on its scale."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scoring.decision.decide import Decision
from scoring.decision.settings import load_settings
from scoring.findings.record import read_case
from training.workbench.waterfall import bars, mark, steps

SETTINGS = load_settings()
BUCKET = {"id": "f", "resource": "arn:aws:s3:::b", "resourceType": "AWS::S3::Bucket", "status": "ACTIVE"}

principals = st.sampled_from(["*", "111122223333", "arn:aws:iam::444455556666:root"])
actions = st.lists(st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:PutBucketPolicy"]), max_size=3)
tags = st.dictionaries(
    st.sampled_from(["Environment", "Data Classification", "x"]), st.sampled_from(["prod", "dev", ""])
)


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    finding = {**BUCKET, "principal": {"AWS": draw(principals)}, "action": draw(actions)}
    context = draw(st.sampled_from([{}, {"tags": draw(tags)}, {"unknown": {"tags": "AccessDenied"}}]))
    return SETTINGS.decide(read_case({"finding": finding, "context": context}))


@given(decisions())
def test_steps_lead_from_the_base_to_the_score(decision: Decision) -> None:
    found = steps(decision)
    assert (found[0].start, found[0].end) == (0, round(decision.base * 10))
    for before, after in pairwise(found[:-1]):
        assert after.start == before.end
    assert found[-2].end == found[-1].end == round(decision.score * 10)
    known = [step.end for step in found if step.kind in ("base", "known")]
    assert known[-1] == round(decision.known * 10)
    assert all(step.set_by for step in found if step.kind in ("known", "unknown"))


@given(decisions())
def test_bars_stay_on_their_scale(decision: Decision) -> None:
    found = steps(decision)
    for bar in bars(found):
        assert 0 <= bar.x <= 100
        assert 0 < bar.width <= 100
    assert mark(found, None) is None
    assert mark(found, 10_000.0) is None
