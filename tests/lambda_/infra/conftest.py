"""What the tests of the templates share."""

from typing import Any

import pytest

from tests.synthesis import template


class Template:
    """A template, asked by type and by part of the logical id."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.all = found
        self.resources: dict[str, dict[str, Any]] = found["Resources"]

    def of_type(self, kind: str, part: str = "") -> dict[str, dict[str, Any]]:
        """Properties by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind and part in name
        }

    def one(self, kind: str, part: str = "") -> dict[str, Any]:
        (properties,) = self.of_type(kind, part).values()
        return properties

    def name_of(self, kind: str, part: str = "") -> str:
        (name,) = self.of_type(kind, part)
        return name


@pytest.fixture(scope="session")
def stack() -> Template:
    return Template(template())
