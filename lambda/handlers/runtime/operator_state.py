"""What operators set, mode and threshold, is there and stays: CloudFormation owns neither of them.

A parameter that no one has written yet starts with a safe value. The log keeps a copy of what was set last;
a parameter that is gone gets it back. So an update or a deletion by a tool never turns a mode into another.
Policy and model have no start value: where nobody has written them, the built-in ones hold.
"""

from typing import Any, Final

from scoring.aws.errors import code
from scoring.decision_log import cursor
from scoring.decision_log.cursor import OperatorState
from scoring.decision_log.log import DecisionLog

START: Final = {"mode": "shadow", "threshold": "none"}
"""Value of each parameter in a new deployment."""


def keep(ssm: Any, prefix: str, log: DecisionLog) -> list[str]:
    """Copy what operators have set, and write the parameters that are not there.

    Parameters
    ----------
    ssm : SSM client
    prefix : str
        Of the parameters' names.

    Returns
    -------
    list of str
        Names of the parameters that were written.
    """
    prefix = prefix.rstrip("/")
    answer = ssm.get_parameters(Names=[f"{prefix}/{name}" for name in START], WithDecryption=True)
    there = {one["Name"].rpartition("/")[2]: one["Value"] for one in answer["Parameters"]}
    copy = cursor.read(log, OperatorState)
    written = []
    for name, start in START.items():
        if name not in there:
            there[name] = getattr(copy, name) or start
            if _write(ssm, f"{prefix}/{name}", there[name]):
                written.append(name)
    now = OperatorState(**there)
    if now != copy:
        cursor.write(log, now)
    return written


def _write(ssm: Any, name: str, value: str) -> bool:
    """Write a parameter, unless somebody was faster."""
    try:
        ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=False)
    except Exception as error:
        if code(error) != "ParameterAlreadyExists":
            raise
        return False
    return True
