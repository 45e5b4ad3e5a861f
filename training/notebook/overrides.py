"""Put a threshold that was chosen by hand to work: in a policy, or in a deployment's parameters.

An override names the digest of the scorecard that it was chosen for; with any other nothing is archived.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from scoring.points import from_tenths
from scoring.policy import policy as policies
from scoring.scorecard.scorecard import Scorecard

PARAMETER: Final = "threshold"


def override(threshold: int, card: Scorecard) -> dict[str, object]:
    """Return what an override says.

    Parameters
    ----------
    threshold : int
        In tenths of points.
    """
    return {"value": from_tenths(threshold), "model_sha256": card.sha256}


def save_to_policy(path: str | Path, threshold: int, card: Scorecard) -> None:
    """Write an override into a policy's file; everything else in it stays as it is, comments too.

    Raises
    ------
    BadInput
        The file is no policy; it is left as it was.
    """
    import tomlkit

    path = Path(path)
    policies.load(path)
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    document["threshold"] = override(threshold, card)
    text = tomlkit.dumps(document)
    policies.parse(text)
    path.write_text(text, encoding="utf-8")


def save_to_parameter(client: Any, prefix: str, threshold: int, card: Scorecard) -> str:
    """Write an override into SSM Parameter Store, where a deployment picks it up within a minute.

    Parameters
    ----------
    client : SSM client
    prefix : str
        Of the deployment's parameters, e.g. ``/access-triage``.

    Returns
    -------
    str
        The parameter's name.
    """
    name = f"{prefix.rstrip('/')}/{PARAMETER}"
    client.put_parameter(
        Name=name, Value=json.dumps(override(threshold, card)), Type="String", Overwrite=True
    )
    return name
