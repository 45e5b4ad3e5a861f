"""The page answers nobody but the person who started it, and never writes without leave."""

import re

import pytest

from tests.training.workbench.conftest import ADDRESS, Site, enter
from training.workbench.safety import MOST_BYTES

OWN = {"origin": ADDRESS}


def test_the_link_is_good_once_and_becomes_a_cookie(site: Site) -> None:
    token = site.bench.keys.token
    assert site.client.get("/").status_code == 403
    assert site.client.get("/?token=another").status_code == 403
    answer = site.client.get(f"/?token={token}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert token is not None
    assert token.lower() not in cookie
    assert site.client.get("/").status_code == 200
    site.client.cookies.clear()
    assert site.client.get(f"/?token={token}").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:8000"},
        {"host": "127.0.0.1:8001"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_whoever_is_not_us_gets_nothing(site: Site, headers: dict[str, str]) -> None:
    enter(site)
    answer = site.client.get("/", headers=headers)
    assert answer.status_code == 403
    assert "KMS" not in answer.text
    assert site.client.post("/verdicts", headers=headers).status_code == 403


@pytest.mark.parametrize("address", ["/", "/finding", "/threshold", "/overview", "/nothing", "/export.csv"])
def test_every_answer_carries_the_headers(site: Site, address: str) -> None:
    enter(site)
    answer = site.client.get(address)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert not re.search(r"(src|href)=\"?(https?:)?//(?!\S*console\.aws)", answer.text)
    assert " style=" not in answer.text


def form(site: Site, **values: str) -> dict[str, str]:
    return {"form_token": site.bench.keys.form_token, "verdict": "expected", "back": "", **values}


def test_a_form_that_is_not_ours_writes_nothing(site: Site) -> None:
    enter(site)
    key = site.bench.held.findings[0].key
    for data, headers in (
        (form(site, key=key), {}),
        (form(site, key=key, form_token=""), OWN),
        (form(site, key=key, form_token=site.bench.keys.session), OWN),
        (form(site, key=key, note="x" * (MOST_BYTES + 1)), OWN),
    ):
        assert site.client.post("/verdicts", data=data, headers=headers).status_code == 403
    assert all(one.label is None for one in site.log.all_decisions())


def test_without_leave_nothing_is_written(site: Site) -> None:
    site.bench.desk = None
    enter(site)
    assert "<button name=" not in site.client.get("/").text
    data = form(site, key=site.bench.held.findings[0].key)
    assert site.client.post("/verdicts", data=data, headers=OWN).status_code == 403
    assert site.client.post("/undo", data=form(site, batch="1"), headers=OWN).status_code == 403
    assert all(one.label is None for one in site.log.all_decisions())
