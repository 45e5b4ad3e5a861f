"""An AWS in a box: for the demo, for our tests, and for yours.

`EmbeddedAws` starts moto with an Access Analyzer of our own (moto has none), delivers events to Python
handlers as EventBridge and Lambda would, and builds a small organization if one is described. Nothing
leaves the machine and no credentials are used. It needs the extra `demo`.

>>> from embedded import EmbeddedAws
>>> with EmbeddedAws() as aws:
...     finding = aws.findings.put({"resource": "arn:aws:s3:::site", "resourceType": "AWS::S3::Bucket"})
...     aws.events[0]["detail-type"], aws.findings.all() == [finding]
('Access Analyzer Finding', True)
"""

from embedded.aws import EmbeddedAws
from embedded.organization.organization import Account, BuiltOrganization, Organization
from embedded.organization.resources import Resource
from embedded.organization.sample import small_organization

__all__ = ["Account", "BuiltOrganization", "EmbeddedAws", "Organization", "Resource", "small_organization"]
