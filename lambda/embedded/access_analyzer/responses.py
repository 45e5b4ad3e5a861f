# ruff: noqa: D102 - each method is the API's operation of its name
"""The operations of the Access Analyzer API, as requests come in and answers go out.

moto routes, parses and serializes by botocore's model: a method has its operation's name in snake case, and
what it returns is written in the shape the model says.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.core.utils import get_service_model

from embedded.access_analyzer.analyzer import Analyzer
from embedded.access_analyzer.exceptions import ValidationException
from embedded.access_analyzer.finding import finding_v1, summary_v2
from embedded.access_analyzer.models import AccessAnalyzerBackend, accessanalyzer_backends
from embedded.access_analyzer.validation import check_request


class AccessAnalyzerResponse(BaseResponse):
    """One request."""

    def __init__(self) -> None:
        super().__init__(service_name="accessanalyzer")
        self.automated_parameter_parsing = True

    @property
    def backend(self) -> AccessAnalyzerBackend:
        """The state of the caller's account in the request's region."""
        return accessanalyzer_backends[self.current_account][self.region]

    def given(self) -> dict[str, Any]:
        """The request's parameters, checked against the service model."""
        parameters = {**self.uri_match, **self.params}
        check_request(
            parameters, get_service_model("accessanalyzer").operation_model(self._get_action()).input_shape
        )
        return parameters

    def create_analyzer(self) -> ActionResult:
        given = self.given()
        analyzer = self.backend.create_analyzer(
            given["analyzerName"],
            given["type"],
            given.get("archiveRules") or (),
            given.get("tags"),
            given.get("configuration"),
        )
        return ActionResult({"arn": analyzer.arn})

    def get_analyzer(self) -> ActionResult:
        return ActionResult({"analyzer": self.backend.get_analyzer(self.given()["analyzerName"]).describe()})

    def update_analyzer(self) -> ActionResult:
        given = self.given()
        analyzer = self.backend.get_analyzer(given["analyzerName"])
        analyzer.configure(given.get("configuration"))
        return ActionResult({"configuration": analyzer.configuration} if analyzer.configuration else {})

    def list_analyzers(self) -> ActionResult:
        given = self.given()
        page, token = self.backend.list_analyzers(given.get("type"), *_page(given))
        return ActionResult({"analyzers": [analyzer.describe() for analyzer in page], "nextToken": token})

    def delete_analyzer(self) -> ActionResult:
        self.backend.delete_analyzer(self.given()["analyzerName"])
        return EmptyResult()

    def list_findings(self) -> ActionResult:
        given = self.given()
        _external_only(self.backend.analyzer_by_arn(given["analyzerArn"]))
        page, token = self.backend.list_findings(
            given["analyzerArn"], given.get("filter") or {}, given.get("sort") or {}, *_page(given)
        )
        return ActionResult({"findings": [finding_v1(finding) for finding in page], "nextToken": token})

    def get_finding(self) -> ActionResult:
        given = self.given()
        analyzer = self.backend.analyzer_by_arn(given["analyzerArn"])
        _external_only(analyzer)
        return ActionResult({"finding": finding_v1(analyzer.finding(given["id"]))})

    def list_findings_v2(self) -> ActionResult:
        given = self.given()
        page, token = self.backend.list_findings(
            given["analyzerArn"], given.get("filter") or {}, given.get("sort") or {}, *_page(given)
        )
        return ActionResult({"findings": [summary_v2(finding) for finding in page], "nextToken": token})

    def get_finding_v2(self) -> ActionResult:
        given = self.given()
        finding, details, token = self.backend.get_finding(given["analyzerArn"], given["id"], *_page(given))
        return ActionResult({**summary_v2(finding), "findingDetails": details, "nextToken": token})

    def update_findings(self) -> ActionResult:
        given = self.given()
        self.backend.update_findings(
            given["analyzerArn"], given["status"], given.get("ids"), given.get("resourceArn")
        )
        return EmptyResult()

    def create_archive_rule(self) -> ActionResult:
        given = self.given()
        self.backend.get_analyzer(given["analyzerName"]).add_rule(given["ruleName"], given["filter"])
        return EmptyResult()

    def get_archive_rule(self) -> ActionResult:
        given = self.given()
        rule = self.backend.get_analyzer(given["analyzerName"]).rule(given["ruleName"])
        return ActionResult({"archiveRule": rule.describe()})

    def list_archive_rules(self) -> ActionResult:
        given = self.given()
        page, token = self.backend.list_archive_rules(given["analyzerName"], *_page(given))
        return ActionResult({"archiveRules": [rule.describe() for rule in page], "nextToken": token})

    def update_archive_rule(self) -> ActionResult:
        given = self.given()
        self.backend.get_analyzer(given["analyzerName"]).change_rule(given["ruleName"], given["filter"])
        return EmptyResult()

    def delete_archive_rule(self) -> ActionResult:
        given = self.given()
        self.backend.delete_archive_rule(given["analyzerName"], given["ruleName"])
        return EmptyResult()

    def apply_archive_rule(self) -> ActionResult:
        given = self.given()
        self.backend.analyzer_by_arn(given["analyzerArn"]).apply_rule(given["ruleName"])
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        return ActionResult({"tags": self.backend.analyzer_by_arn(self.given()["resourceArn"]).tags})

    def tag_resource(self) -> ActionResult:
        given = self.given()
        self.backend.analyzer_by_arn(given["resourceArn"]).tags.update(given["tags"])
        return EmptyResult()

    def untag_resource(self) -> ActionResult:
        given = self.given()
        tags = self.backend.analyzer_by_arn(given["resourceArn"]).tags
        for key in given["tagKeys"]:
            tags.pop(key, None)
        return EmptyResult()


def _page(given: dict[str, Any]) -> tuple[int | None, str | None]:
    return given.get("maxResults"), given.get("nextToken")


def _external_only(analyzer: Analyzer) -> None:
    """Refuse an operation of the API's first version on an analyzer other than of external access."""
    if analyzer.family != "external":
        raise ValidationException(
            f"Findings of an analyzer of type {analyzer.type} are in the second version of the API.",
            "notSupported",
        )
