"""Cold start in the real runtime: our handler, one that only makes the clients, and one that loads a model.

`INIT REPORT` of the runtime, and the time until the first answer, which for ours includes making the clients
and reading policy and scorecard. The event needs no request to AWS. Medians, in turns, in one run.
"""

from __future__ import annotations

import compileall
import json
import sys
import zipfile
from pathlib import Path
from py_compile import PycInvalidationMode
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from benchmarks.emulator import EMULATOR, ROOT, function

ROUNDS = 10
ZIP = ROOT / "build/access-triage.zip"
EVENT = json.loads((ROOT / "tests/events/access-preview.json").read_text(encoding="utf-8"))
ENVIRONMENT = {
    "TRIAGE_TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:alerts",
    "TRIAGE_TABLE": "decisions",
}
CLIENTS = """
import boto3
from botocore.config import Config

session = boto3.Session()
config = Config(connect_timeout=2, read_timeout=5)
CLIENTS = [session.client(name, config=config) for name in ("sns", "dynamodb")]

def handler(event, context):
    return {}
"""
MODEL = """
import joblib, numpy, pandas, sklearn.linear_model

model = joblib.load("model.joblib")

def handler(event, context):
    return {"risk": float(model.predict_proba(pandas.DataFrame([[1.0, 2.0]]).to_numpy())[0, 1])}
"""


class Kind(NamedTuple):
    """A function to compare."""

    name: str
    handler: str
    folder: Path


def main() -> None:
    """Print the table."""
    if not (EMULATOR.exists() and ZIP.exists()):
        print("cold start: left out; it takes make rie-tools and make package")
        return
    with TemporaryDirectory() as folder:
        kinds = prepared(Path(folder))
        inits: dict[str, list[float]] = {kind.name: [] for kind in kinds}
        answers: dict[str, list[float]] = {kind.name: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind in kinds:
                with function(kind.handler, kind.folder, ENVIRONMENT) as started:
                    begin = perf_counter()
                    answer = started.answer(EVENT)
                    answers[kind.name].append(1000 * (perf_counter() - begin))
                    if isinstance(answer, dict) and "errorMessage" in answer:
                        sys.exit(f"{kind.name}: {answer['errorMessage']}")
                    inits[kind.name].append(started.init_milliseconds())
    print(f"cold start, median of {ROUNDS}, ms{'':>26}   init   init and first answer")
    for kind in kinds:
        print(f"  {kind.name:<50} {median(inits[kind.name]):6.0f} {median(answers[kind.name]):10.0f}")
    ours, clients, model = (median(inits[kind.name]) for kind in kinds)
    whole = [median(answers[kind.name]) for kind in kinds]
    first = f"{whole[0] / whole[1]:.2f} with the first answer"
    print(f"  ours / clients only: {ours / clients:.2f} ({first}); asked: at most 1.3")
    print(f"  model / ours: {model / ours:.1f} ({whole[2] / whole[0]:.1f} with the first answer); at least 3")


def prepared(folder: Path) -> list[Kind]:
    """Lay out the code of the three functions."""
    ours, clients, model = (folder / name for name in ("ours", "clients", "model"))
    with zipfile.ZipFile(ZIP) as archive:
        names = [name for name in archive.namelist() if name.startswith(("handlers/", "scoring/"))]
        archive.extractall(ours, names)
    if any(name.endswith(".pyc") for name in names):
        # The zip brings bytecode for the functions' Python: here the same for this one.
        compileall.compile_dir(ours, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    for place, code in ((clients, CLIENTS), (model, MODEL)):
        place.mkdir()
        (place / "app.py").write_text(code, encoding="utf-8")
    _write_model(model / "model.joblib")
    return [
        Kind("our handler, as packed", "handlers.single.handler", ours),
        Kind("a handler that only makes the same clients", "app.handler", clients),
        Kind("a handler with scikit-learn, pandas and a model", "app.handler", model),
    ]


def _write_model(path: Path) -> None:
    import joblib
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 2))
    joblib.dump(LogisticRegression().fit(rows, rows[:, 0] > 0), path)


if __name__ == "__main__":
    main()
