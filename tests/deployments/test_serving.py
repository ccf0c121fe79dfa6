"""What Serve says of a deployment, and what a run makes of it."""

import pytest
from ray.serve._private.common import DeploymentStatus
from ray.serve._private.common import DeploymentStatusTrigger as Trigger
from ray.serve.schema import ApplicationStatus, ApplicationStatusOverview, DeploymentStatusOverview

from deployments.serving import failed_for_good


def application(status: ApplicationStatus, *deployments: tuple[DeploymentStatus, Trigger]) -> ApplicationStatusOverview:
    """As `serve.status()` shows it."""
    told = {
        str(number): DeploymentStatusOverview(
            status=status, status_trigger=trigger, replica_states={}, message="A replica's health check failed."
        )
        for number, (status, trigger) in enumerate(deployments)
    }
    return ApplicationStatusOverview(status=status, message="", last_deployed_time_s=0.0, deployments=told)


@pytest.mark.parametrize(
    ("trigger", "for_good"),
    [(Trigger.REPLICA_STARTUP_FAILED, True), (Trigger.HEALTH_CHECK_FAILED, False)],
    ids=["its model cannot be loaded", "one was killed while another started"],
)
def test_why_a_deployment_failed_decides(trigger: Trigger, for_good: bool) -> None:
    """A replica that dies in a run's first seconds is replaced; one that cannot start ends the run."""
    failed = application(ApplicationStatus.DEPLOY_FAILED, (DeploymentStatus.DEPLOY_FAILED, trigger))
    assert failed_for_good(failed) is for_good


def test_one_that_cannot_start_beside_one_that_was_killed() -> None:
    """The killed one excuses nobody."""
    both = (Trigger.HEALTH_CHECK_FAILED, Trigger.REPLICA_STARTUP_FAILED)
    failed = application(
        ApplicationStatus.DEPLOY_FAILED, *((DeploymentStatus.DEPLOY_FAILED, trigger) for trigger in both)
    )
    assert failed_for_good(failed)


def test_an_application_that_was_never_built_has_failed() -> None:
    """It has no deployment to say why."""
    assert failed_for_good(application(ApplicationStatus.DEPLOY_FAILED))


@pytest.mark.parametrize(
    "status", [ApplicationStatus.DEPLOYING, ApplicationStatus.RUNNING, ApplicationStatus.UNHEALTHY]
)
def test_everything_else_goes_on(status: ApplicationStatus) -> None:
    """Serve mends what it can."""
    replica = (DeploymentStatus.UNHEALTHY, Trigger.HEALTH_CHECK_FAILED)
    assert not failed_for_good(application(status, replica))
