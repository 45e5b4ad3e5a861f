"""The CDK app: ``cdk deploy`` in this folder; no network call and no credentials at synthesis."""

from infra.stacks.application import application

application().synth()
