"""What `cdk` runs before it reads the app is there."""

import json
import os
import shlex
import subprocess
from pathlib import Path

LAMBDA = Path(__file__).parents[3] / "lambda"


def test_the_build_of_the_cdk_app_is_a_target_of_make() -> None:
    build = shlex.split(json.loads((LAMBDA / "cdk.json").read_text())["build"])
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        [*build, "--dry-run"], cwd=LAMBDA, env=outside, capture_output=True, text=True, check=False
    )
    assert build[0] == "make"
    assert done.returncode == 0, done.stderr
