"""The second argument of a Lambda handler."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class LambdaContext:
    """What the Python runtime of Lambda hands to a handler beside the event, by the same names.

    Parameters
    ----------
    timeout_seconds
        The function's timeout; the remaining time counts down from it, and nothing is stopped when it is
        over.
    """

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    timeout_seconds: float = 60.0
    memory_limit_in_mb: str = "256"
    function_version: str = "$LATEST"
    identity: None = None
    client_context: None = None
    _started: float = field(default_factory=time.monotonic, repr=False)

    @property
    def log_group_name(self) -> str:
        """Where CloudWatch Logs would keep what the handler prints."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        """The stream of this invocation's log lines."""
        return f"[{self.function_version}]{self.aws_request_id}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout, never below 0.

        Examples
        --------
        >>> context = LambdaContext("triage", "arn:aws:lambda:eu-west-1:111122223333:function:triage", "r-1")
        >>> 0 < context.get_remaining_time_in_millis() <= 60_000
        True
        """
        left = self.timeout_seconds - (time.monotonic() - self._started)
        return max(0, int(left * 1000))
