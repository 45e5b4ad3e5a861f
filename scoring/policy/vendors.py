"""The community's list of vendors and their accounts."""

from collections.abc import Mapping
from pathlib import Path

from scoring.files.errors import BadInput
from scoring.files.toml_file import read_text
from scoring.findings.arn import account_id


def read_vendors(path: str | Path) -> dict[str, str]:
    """Read a list of known vendors' accounts from a file; see `parse_vendors`."""
    return parse_vendors(read_text(Path(path)), str(path))


def parse_vendors(text: str, path: str) -> dict[str, str]:
    """Read a list of known vendors' accounts in the format of fwdcloudsec/known_aws_accounts.

    Parameters
    ----------
    path : str
        Where the text comes from, for messages.

    Returns
    -------
    dict
        Account number (twelve digits) to the vendor's name.
    """
    import yaml

    try:
        # The base loader leaves every scalar a string: an account number may begin with zeros.
        entries = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise BadInput(f"is no valid YAML: {str(error).splitlines()[0]}", where=path) from None
    except RecursionError:
        raise BadInput("is no valid YAML: nested too deeply", where=path) from None
    if not isinstance(entries, list):
        raise BadInput("expected a list of vendors", where=path)
    vendors: dict[str, str] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
            raise BadInput("expected a vendor with a name", where=f"{path}: entry {index}")
        accounts = entry.get("accounts") or []
        if not isinstance(accounts, list):
            raise BadInput("expected a list of accounts", field="accounts", where=f"{path}: entry {index}")
        for account in accounts:
            number = account_id(account, field="accounts", where=f"{path}: entry {index}")
            vendors.setdefault(number, entry["name"])
    return vendors
