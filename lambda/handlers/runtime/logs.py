"""Log lines as JSON, in Lambda alone; whatever others have written in a name or a tag is data in them."""

import logging
import os
from collections.abc import Mapping
from typing import Any

from handlers.runtime.metrics import SERVICE, deployed_version
from scoring.pipeline.runtime import Result

logger = logging.getLogger(__name__)


def is_lambda(environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether this process is one of Lambda's, and not a test's or the demo's."""
    return "AWS_LAMBDA_RUNTIME_API" in environment


def configure(context: Any) -> None:
    """Let all loggers write JSON, with the invocation's id in each line."""
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

    root = logging.getLogger()
    formatters = [handler.formatter for handler in root.handlers]
    formatter = next((one for one in formatters if isinstance(one, LambdaPowertoolsFormatter)), None)
    if formatter is None:
        formatter = LambdaPowertoolsFormatter(service=SERVICE, utc=True)
        formatter.append_keys(version=deployed_version())
        handler = logging.StreamHandler()
        handler.setFormatter(formatter)
        root.handlers[:] = [handler]
        root.setLevel(logging.WARNING)
        for name in ("scoring", "handlers"):
            logging.getLogger(name).setLevel(logging.INFO)
    formatter.append_keys(function_request_id=getattr(context, "aws_request_id", ""))


def log_result(done: Result, mode: str) -> None:
    """Log what became of a finding: which, how it was decided on, what was done; not what it says."""
    decision = done.decision
    said: dict[str, Any] = {"finding_id": done.finding_id, "effect": done.effect, "mode": mode}
    if done.ended is not None:
        said["ended"] = done.ended
    if done.reason:
        said["note"] = done.reason
    if decision is not None:
        said |= {
            "outcome": decision.outcome,
            "reason": decision.reason,
            "score": decision.score,
            "threshold": decision.threshold,
            "resource_type": decision.resource_type,
            "account": decision.account,
            "unknown": list(decision.unknown),
            "model": decision.model.version,
            "model_sha256": decision.model.sha256,
        }
    logger.info("a finding is done", extra=said)
