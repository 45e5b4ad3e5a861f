"""The CDK app: ``cdk deploy`` in this folder; no network call and no credentials at synthesis.

Context: ``-c retry_seconds=1`` and ``-c lease_seconds=1`` make the workflow's retries short.
"""

from infra.stacks.application import application

application().synth()
