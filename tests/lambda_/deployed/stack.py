"""A synthesized stack in the embedded AWS."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from embedded.aws import EmbeddedAws
from tests.lambda_.deployed import custom_resources, state_machines
from tests.lambda_.deployed.functions import Functions

_BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"


class Deployed:
    """A stack that was deployed.

    Attributes
    ----------
    outputs : dict
        Of the stack, by name.
    functions : Functions
        Its functions, and what they answered.
    """

    def __init__(self, aws: EmbeddedAws, name: str, functions: Functions) -> None:
        self.aws, self.name, self.functions = aws, name, functions
        self._cloudformation = aws.client("cloudformation")
        self._states = aws.client("stepfunctions")
        (stack,) = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}

    def resources(self, kind: str) -> list[str]:
        """Return the physical ids of the stack's resources of a type."""
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [
            one["PhysicalResourceId"]
            for page in pages
            for one in page["StackResourceSummaries"]
            if one["ResourceType"] == kind
        ]

    @property
    def executions(self) -> list[str]:
        """ARNs of the executions that have started, oldest first."""
        machines = self._states.list_state_machines()["stateMachines"]
        found = [
            one
            for machine in machines
            for page in self._states.get_paginator("list_executions").paginate(
                stateMachineArn=machine["stateMachineArn"]
            )
            for one in page["executions"]
        ]
        return [one["executionArn"] for one in sorted(found, key=lambda one: one["startDate"])]

    def settle(self) -> list[dict[str, Any]]:
        """Wait until every execution has ended, those too that start meanwhile; return what they say."""
        told: dict[str, dict[str, Any]] = {}
        while True:
            self.functions.settle()
            left = [arn for arn in self.executions if arn not in told]
            if not left:
                break
            told |= {arn: state_machines.ended(self._states, arn) for arn in left}
        return list(told.values())


@contextmanager
def deployed(
    aws: EmbeddedAws, assembly: Path, name: str, parameters: Mapping[str, str]
) -> Iterator[Deployed]:
    """Deploy a stack of an assembly as ``cdk deploy`` does: assets, then the template.

    Parameters
    ----------
    assembly : Path
        The folder that CDK wrote.
    name : str
        Of the stack.
    parameters : dict
        Of the template, by name.
    """
    import_cloudformation()
    with aws.serve() as endpoint, state_machines.running(aws.credentials()):
        functions = Functions(endpoint, aws.credentials)
        with functions.running():
            template = json.loads((assembly / f"{name}.template.json").read_text(encoding="utf-8"))
            for resource in template["Resources"].values():
                if resource["Type"] == "AWS::KMS::Key":  # moto takes no tags of a key from a template
                    resource["Properties"].pop("Tags", None)
            _publish(aws, assembly, name)
            given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
            with custom_resources.asked(functions):
                aws.client("cloudformation").create_stack(
                    StackName=name,
                    TemplateBody=json.dumps(template),
                    Parameters=given,
                    Capabilities=["CAPABILITY_IAM"],
                )
            yield Deployed(aws, name, functions)


def import_cloudformation() -> None:
    """Import moto's CloudFormation without what validates the APIs of API Gateway: there are none here."""
    names = ("openapi_spec_validator", "openapi_spec_validator.validation")
    left_out = {name: ModuleType(name) for name in (*names, f"{names[1]}.exceptions")}
    for module in left_out.values():
        vars(module).update(validate_spec=None, OpenAPIValidationError=Exception)
    left_out = {name: module for name, module in left_out.items() if name not in sys.modules}
    sys.modules.update(left_out)
    try:
        import moto.cloudformation  # noqa: F401
    finally:
        for name in left_out:
            del sys.modules[name]


def _publish(aws: EmbeddedAws, assembly: Path, name: str) -> None:
    """Put what ``cdk bootstrap`` makes into the account, and the assets where the template looks for them."""
    aws.client("ssm").put_parameter(Name=_BOOTSTRAP, Value="30", Type="String", Overwrite=True)
    bucket = f"cdk-hnb659fds-assets-{aws.account}-{aws.region}"
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
    assets = json.loads((assembly / f"{name}.assets.json").read_text(encoding="utf-8"))
    for asset in assets["files"].values():
        content = (assembly / asset["source"]["path"]).read_bytes()
        for place in asset["destinations"].values():
            s3.put_object(Bucket=bucket, Key=place["objectKey"], Body=content)
