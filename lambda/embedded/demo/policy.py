"""The policy of the demo: what the simulated organization would have laid down by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.simulate import Organization


def write_policy(organization: Organization, directory: Path) -> Path:
    """Write a policy: who is contracted, which vendors are known, which buckets are meant to be public.

    Returns
    -------
    Path
        Of the policy; the list of vendors that it names lies beside it.
    """
    from scoring.policy import policy
    from training.simulate.world.catalogue import GITHUB_OIDC, GITHUB_ORGANIZATION

    built_in = policy.DEFAULT.read_text(encoding="utf-8")
    expected = built_in[built_in.index("[[expected]]") :].partition("\n\n")[0]
    public = [
        resource.name
        for resource in organization.resources
        if resource.type == "AWS::S3::Bucket" and resource.data_class == "public"
    ]
    lines = [
        "# The policy of the simulated organization; triage score, explain and scan take it with --policy.",
        'mode = "enforce"',
        f"organization_id = {json.dumps(organization.id)}",
        'vendors_file = "vendors.yaml"',
        "",
        "[allow]",
        "public_buckets = [",
        *(f"    {json.dumps(name)}," for name in sorted(public)),
        "]",
        "",
        "[allow.subjects]",
        f"{json.dumps(GITHUB_OIDC)} = [{json.dumps(f'repo:{GITHUB_ORGANIZATION}/*')}]",
        "",
        "[allow.accounts]",
        *(f"{account} = {json.dumps(name)}" for account, name in sorted(organization.contracted.items())),
        "",
        expected,
        "",
    ]
    path = directory / "policy.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    vendors = [
        f"- name: {json.dumps(name)}\n  accounts: ['{account}']\n"
        for account, name in sorted(organization.vendors.items())
    ]
    (directory / "vendors.yaml").write_text("".join(vendors), encoding="utf-8")
    return path
