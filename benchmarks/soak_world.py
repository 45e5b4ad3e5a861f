"""What happens in the AWS that is soaked: resources, findings on them, changes, and broken events."""

import json
import random
from typing import Any

from embedded import EmbeddedAws
from embedded.organization.resources import MAKERS, Resource

TYPES = {
    "AWS::KMS::Key": ("kms:Decrypt", "kms:DescribeKey"),
    "AWS::SQS::Queue": ("sqs:SendMessage", "sqs:ReceiveMessage"),
    "AWS::SNS::Topic": ("sns:Publish",),
    "AWS::SecretsManager::Secret": ("secretsmanager:GetSecretValue",),
    "AWS::S3::Bucket": ("s3:GetObject",),
}
EACH, PRINCIPALS = 12, 300
CHANGED, TOUCHED, RESOLVED = 0.05, 0.04, 0.03


class World:
    """The resources, and the findings so far; `malformed_ids` are of events that cannot be read."""

    def __init__(self, aws: EmbeddedAws, chance: random.Random) -> None:
        self.aws, self.chance = aws, chance
        self.findings: list[str] = []
        self.malformed_count = 0
        self.resources = [self._make(kind, number) for kind in TYPES for number in range(EACH)]

    def _make(self, kind: str, number: int) -> tuple[str, str]:
        tags = {"Environment": "development" if number % 2 else "prod"}
        return kind, MAKERS[kind](self.aws.session(), Resource(kind, f"resource-{number}", tags))

    def step(self) -> None:
        """Let one thing happen: mostly a new finding, at times a change of one that is there."""
        drawn = self.chance.random()
        if self.findings and drawn < CHANGED + TOUCHED + RESOLVED:
            finding_id = self.chance.choice(self.findings[-500:])
            if self.aws.findings.get(finding_id).status != "ACTIVE":
                return self._find()
            if drawn < CHANGED:
                self.aws.findings.update(finding_id, {"principal": {"AWS": self._principal()}})
            elif drawn < CHANGED + TOUCHED:
                self.aws.findings.update(finding_id, {})
            else:
                self.aws.findings.resolve(finding_id)
            return None
        return self._find()

    def malformed(self) -> str:
        """Break an event in one of the ways that AWS never does."""
        self.malformed_count += 1
        event: dict[str, Any] = {
            "source": "aws.access-analyzer",
            "detail-type": "Access Analyzer Finding",
            "resources": [],
            "detail": {"id": f"broken-{self.malformed_count}", "resource": "arn:aws:s3:::b"},
        }
        how = self.malformed_count % 4
        if how == 0:
            return json.dumps(event)[:-5]
        if how == 1:
            event["detail"] = [self.malformed_count]
        elif how == 2:
            event["detail"]["status"] = "OPEN"
        return json.dumps(event)

    def _find(self) -> None:
        kind, arn = self.chance.choice(self.resources)
        is_public = self.chance.random() < 0.02
        found = self.aws.findings.put(
            {
                "resource": arn,
                "resourceType": kind,
                "principal": {"AWS": "*" if is_public else self._principal()},
                "action": list(TYPES[kind]),
                "isPublic": is_public,
                "condition": {},
            }
        )
        self.findings.append(found.id)

    def _principal(self) -> str:
        return f"{self.chance.randrange(PRINCIPALS) + 10**11:012}"
