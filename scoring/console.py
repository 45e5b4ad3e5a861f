"""Links into the AWS console, with the partition's host and the finding's region.

The pages are those that Access Analyzer names itself in the ``SourceUrl`` of what it sends to Security Hub:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-securityhub-integration.html
"""

import re
from typing import Final
from urllib.parse import quote

from scoring.finding import Finding

_HOSTS: Final = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}", re.ASCII)
_LONGEST: Final = 2000  # of a link: mail clients and browsers take no longer one for certain


def link(finding: Finding) -> str | None:
    """Return the address of the console's page about a finding; None where there is none for certain.

    External access has a page for each finding, unused access one for each user or role. No address of a
    single internal access finding is documented: the link opens the list.

    Examples
    --------
    >>> link(Finding(id="0b5a", resource="arn:aws:s3:::b", resource_type="AWS::S3::Bucket", status="ACTIVE",
    ...              finding_type="ExternalAccess", region="eu-west-1"))
    'https://eu-west-1.console.aws.amazon.com/access-analyzer/home?region=eu-west-1#/findings/details/0b5a'
    """
    host = _HOSTS.get(finding.partition)
    if host is None:
        return None
    region = finding.region if finding.region and _REGION.fullmatch(finding.region) else None
    home = f"{region}.{host}" if region else host
    query = f"?region={region}" if region else ""
    address = f"https://{home}/access-analyzer/home{query}#/{_page(finding)}"
    return address if len(address) <= _LONGEST else None


def _page(finding: Finding) -> str:
    if finding.is_unused_access:
        return "unused-access-findings?resource=" + _quoted(finding.resource)
    if finding.finding_type == "InternalAccess":
        return "resource-analysis"
    return "findings/details/" + _quoted(finding.id)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="backslashreplace")
