"""Write what botocore says of Access Analyzer's API: each structure's members, each enumeration's values.

Run it with a newer botocore, look at the difference, and teach `scoring.findings.aws_format` what is new:
``python -m scoring.aws.generate_api_shapes``. A test compares the file with the botocore installed.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).with_name("api_shapes.json")
SERVICE: Final = "accessanalyzer"


def read_botocore() -> dict[str, list[str]]:
    """Return the shapes of the installed botocore: members of structures, values of enumerations."""
    import botocore.session

    model: Any = botocore.session.get_session().get_service_model(SERVICE)
    shapes = {}
    for name in model.shape_names:
        shape = model.shape_for(name)
        content = shape.members if shape.type_name == "structure" else getattr(shape, "enum", None)
        if content:
            shapes[name] = sorted(content)
    return shapes


def news(known: dict[str, list[str]], found: dict[str, list[str]]) -> list[str]:
    """Name each shape, member or value that is found and not known.

    Examples
    --------
    >>> news({"Status": ["ACTIVE"]}, {"Status": ["ACTIVE", "PAUSED"], "Pause": ["at"]})
    ['Pause', 'Status: PAUSED']
    """
    said = [name for name in found if name not in known]
    said += [
        f"{name}: {one}" for name in found if name in known for one in found[name] if one not in known[name]
    ]
    return sorted(said)


def render(shapes: dict[str, list[str]], version: str, checked: str) -> str:
    """Write the whole file: one shape a line."""
    lines = [f"{json.dumps(name)}: {json.dumps(content)}" for name, content in sorted(shapes.items())]
    head = f'"botocore": {json.dumps(version)},\n"checked": {json.dumps(checked)}'
    return f'{{\n{head},\n"shapes": {{\n' + ",\n".join(lines) + "\n}}\n"


def main() -> None:
    """Write the file beside the package's code."""
    from importlib.metadata import version

    today = datetime.now(UTC).date().isoformat()
    DATA.write_text(render(read_botocore(), version("botocore"), today), encoding="ascii", newline="\n")


if __name__ == "__main__":
    main()
