"""A registry as a whole one and as broken ones; the commands, the registry and the runtime agree on them."""

import hashlib
import json

from scoring.scorecard.formats import load, to_json

CARD = to_json(load()).encode()


def manifest(**more: str) -> bytes:
    digests = {"scorecard.json": hashlib.sha256(CARD).hexdigest()} | more
    return json.dumps({"version": "whole", "sha256": digests}).encode()


def version(name: str, manifest: bytes | None, card: bytes | None = CARD) -> dict[str, bytes]:
    """The files of a registry whose current version this is."""
    files = {"scorecard.json": card, "manifest.json": manifest}
    there = {f"{name}/{file}": content for file, content in files.items() if content is not None}
    return {**there, "current": f"{name}\n".encode()}


WHOLE = version("whole", manifest())

BROKEN = {
    "a name with a blank": version("v 1", manifest()),
    "a name that is hidden": version(".v1", manifest()),
    "a name of other letters": version("größe", manifest()),
    "a name that leads elsewhere": {"current": b"../models/whole"},
    "a name that is too long": version("v" * 129, manifest()),
    "no name": {"current": b"\n"},
    "two names": {"current": b"whole\nwhole\n"},
    "a name that is no text": {"current": b"\xff\xfe"},
    "no such version": {"current": b"gone"},
    "no manifest": version("v2", None),
    "no scorecard": version("v3", manifest(), None),
    "a manifest that is cut off": version("v4", manifest()[:-5]),
    "a manifest without digests": version("v5", b'{"version": "v5"}'),
    "a manifest with other digests": version("v6", b'{"sha256": {"scorecard.json": null}}'),
    "a manifest that is a list": version("v7", b"[]"),
    "a manifest that is no text": version("v8", b'{"sha256": {"scorecard.json": "\xff"}}'),
    "a manifest that leaves the scorecard out": version("v9", b'{"sha256": {"card.md": "0"}}'),
    "another scorecard": version("v10", manifest(), CARD.replace(b'"threshold": ', b'"threshold": 9')),
    "another digest": version("v11", manifest(**{"scorecard.json": "0" * 64})),
    "no scorecard in it": version(
        "v12", manifest(**{"scorecard.json": hashlib.sha256(b"{}").hexdigest()}), b"{}"
    ),
}
