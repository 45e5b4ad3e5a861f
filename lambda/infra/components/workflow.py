"""The first wiring: enrich, evaluate, archive or notify, as a Step Functions workflow of four functions.

The event is the state. Each step gets all of it and adds its answer under a key of its own.
"""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.components.functions import KEPT_LOGS, Function
from infra.components.steps import Steps
from infra.conditional import resource_of
from infra.parameters import Parameters, value_if

IN_PROGRESS = "InProgress"  # another invocation holds the lease; see `scoring.decision_log.log`
ANY = "States.ALL"

# Before a step that failed is tried for the second time; doubled each time, and drawn at random.
_INTERVAL = Duration.seconds(5)
_ATTEMPTS = 4
# The account has no function left: others of it are busy, for as long as that takes.
THROTTLED = "Lambda.TooManyRequestsException"
_THROTTLED_ATTEMPTS = 500
# After which somebody else is likely to have finished with a finding.
_LEASE = Duration.seconds(30)


class Workflow(Construct):
    """The state machine.

    Attributes
    ----------
    machine : StateMachine
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        steps: Steps,
        dead_letters: sqs.IQueue,
        parameters: Parameters,
    ) -> None:
        super().__init__(scope, id)
        self._failed = self._alert_on_failure(steps.notify, dead_letters)
        self._wait = sfn.Wait(self, "Wait for the other", time=sfn.WaitTime.duration(_LEASE))
        done = sfn.Succeed(self, "Done")
        self._unexpected = sfn.Pass(
            self,
            "Unexpected answer",
            result=sfn.Result.from_object(
                {"Error": "UnexpectedAnswer", "Cause": "a step named no next step"}
            ),
            result_path="$.error",
        ).next(self._failed)

        enriching = self._step("Enrich", steps.enrich, "enriched", waits=False)
        evaluating = self._step("Evaluate", steps.evaluate, "evaluated")
        archiving = self._step("Archive", steps.archive, "archived")
        notifying = self._step("Notify", steps.notify, "notified")
        enriching.next(
            self._choice("enriched", done, EVALUATE=evaluating, ARCHIVE=archiving, NOTIFY=notifying)
        )
        evaluating.next(self._choice("evaluated", done, ARCHIVE=archiving, NOTIFY=notifying))
        archiving.next(self._choice("archived", done, NOTIFY=notifying))
        notifying.next(done)
        self._wait.next(enriching)

        self.machine = sfn.StateMachine(
            self,
            "Machine",
            definition_body=sfn.DefinitionBody.from_chainable(enriching),
            comment="What happens to a finding of IAM Access Analyzer",
            timeout=Duration.hours(6),
            logs=sfn.LogOptions(
                # no data of the execution: a finding's is in the decision log, which is under its own rights
                destination=logs.LogGroup(
                    self, "Log", retention=KEPT_LOGS, removal_policy=RemovalPolicy.DESTROY
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=False,
            ),
            tracing_enabled=True,
        )
        resource = resource_of(self.machine, sfn.CfnStateMachine)
        resource.add_property_override(
            "TracingConfiguration.Enabled", value_if(parameters.has_tracing, True, False)
        )

    def _step(self, name: str, step: Function, key: str, *, waits: bool = True) -> tasks.LambdaInvoke:
        """Make a task.

        Parameters
        ----------
        waits : bool
            Where another invocation holds the lease, begin anew after it; if not, try this step again.
        """
        task = self._task(name, step, key)
        if waits:
            task.add_retry(errors=[IN_PROGRESS], max_attempts=0)
        else:
            task.add_retry(errors=[IN_PROGRESS], interval=_LEASE, max_attempts=5, backoff_rate=1)
        self._retry(task)
        if waits:
            task.add_catch(self._wait, errors=[IN_PROGRESS], result_path="$.taken")
        task.add_catch(self._failed, errors=[ANY], result_path="$.error")
        return task

    def _task(self, name: str, step: Function, key: str) -> tasks.LambdaInvoke:
        return tasks.LambdaInvoke(
            self,
            name,
            lambda_function=step.function,
            payload_response_only=True,
            retry_on_service_exceptions=False,
            result_path=f"$.{key}",
            task_timeout=sfn.Timeout.duration(Duration.minutes(3)),
        )

    def _retry(self, task: sfn.TaskStateBase) -> None:
        task.add_retry(
            errors=[THROTTLED],
            interval=Duration.seconds(2),
            max_attempts=_THROTTLED_ATTEMPTS,
            backoff_rate=2,
            max_delay=Duration.minutes(1),
            jitter_strategy=sfn.JitterType.FULL,
        )
        task.add_retry(
            errors=[ANY],
            interval=_INTERVAL,
            max_attempts=_ATTEMPTS,
            backoff_rate=2,
            max_delay=Duration.minutes(2),
            jitter_strategy=sfn.JitterType.FULL,
        )

    def _choice(self, key: str, done: sfn.Succeed, **steps: sfn.IChainable) -> sfn.Choice:
        """Go where the step said; anything it should not say is a failure, so that no finding is lost."""
        said = f"$.{key}.next"
        choice = sfn.Choice(self, f"After {key}")
        choice.when(sfn.Condition.not_(sfn.Condition.is_present(said)), self._unexpected)
        for name, step in {**steps, "DONE": done}.items():
            choice.when(sfn.Condition.string_equals(said, name), step)
        return choice.otherwise(self._unexpected)

    def _alert_on_failure(self, notify: Function, dead_letters: sqs.IQueue) -> tasks.LambdaInvoke:
        """Put the event before a person as it is, then the state into the dead-letter queue, and fail."""
        keep = tasks.SqsSendMessage(
            self, "Keep the state", queue=dead_letters, message_body=sfn.TaskInput.from_json_path_at("$")
        )
        self._retry(keep)
        keep.next(sfn.Fail(self, "Failed", error="StepFailed", cause="A step failed; its state is kept"))
        alert = self._task("Alert on failure", notify, "notified")
        self._retry(alert)
        alert.add_catch(keep, errors=[ANY], result_path="$.unsent")
        alert.next(keep)
        return alert
