"""Options that commands share, and what they stand for."""

from scoring.aws.enrich import Aws
from scoring.aws.sessions import Client, Writers
from scoring.decision_log.log import DecisionLog


def decision_log(table: str, aws: Aws) -> DecisionLog:
    """Return the decision log in the session's own account and region."""
    return DecisionLog(aws.sessions.client("dynamodb"), table)


def writers(aws: Aws) -> Writers:
    """Return what can change findings; there is no topic, so nothing can be mailed."""

    def analyzer(region: str) -> Client:
        return aws.sessions.client("accessanalyzer", region=region)

    return Writers(analyzer, sns=None, topic_arn="")
