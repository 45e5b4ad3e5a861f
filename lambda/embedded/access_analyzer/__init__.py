"""IAM Access Analyzer for moto, which has none.

A backend in moto's own style: real boto3 clients reach it inside `mock_aws` and through
`ThreadedMotoServer`, and see the shapes of botocore's model. How filters match, which statuses may follow
which, and how long a page may be are assumptions where the documentation is silent, and not verified
against AWS; each is stated where it is made.

Operations: CreateAnalyzer, GetAnalyzer, UpdateAnalyzer, ListAnalyzers, DeleteAnalyzer, ListFindings,
GetFinding, ListFindingsV2, GetFindingV2, UpdateFindings, CreateArchiveRule, GetArchiveRule,
ListArchiveRules, UpdateArchiveRule, DeleteArchiveRule, ApplyArchiveRule, ListTagsForResource, TagResource,
UntagResource.
"""

from __future__ import annotations


def register() -> None:
    """Let moto answer for Access Analyzer, from the next `mock_aws` or moto server on; once is enough.

    Examples
    --------
    >>> import boto3
    >>> from moto import mock_aws
    >>> register()
    >>> with mock_aws():
    ...     client = boto3.client("accessanalyzer", region_name="eu-west-1")
    ...     client.create_analyzer(analyzerName="org", type="ORGANIZATION")["arn"]
    'arn:aws:access-analyzer:eu-west-1:123456789012:analyzer/org'
    """
    import re
    import sys

    from moto import backend_index

    from embedded.access_analyzer import models, urls

    # moto imports the backends of a service from `moto.<service>`.
    sys.modules["moto.accessanalyzer"] = models
    known = {service for service, _ in backend_index.backend_url_patterns}
    if "accessanalyzer" not in known:
        backend_index.backend_url_patterns.extend(
            ("accessanalyzer", re.compile(base)) for base in urls.url_bases
        )
