"""Builds the task of a configuration. Law: a user's own task is imported here, before any model is called; a task that
cannot be found or used is the user's mistake."""

from actors.gates.value_checks import value_checks
from actors.protocols import Task
from actors.tasks.code import CodeTask
from actors.tasks.code_problem import CodeProblemTask
from actors.tasks.grounded_answer import GroundedAnswerTask
from actors.tasks.math import MathTask
from actors.tasks.prompted import PromptedTask
from actors.tasks.sql import SqlTask
from deployments.build.own_code import factory_of
from schemas.config import RunConfig
from schemas.config_gates import CodeTests, Verifier, code_tests_of, verifier_of
from schemas.config_tasks import Code, CustomTask, GroundedAnswer, Math, Prompted, Sql
from schemas.errors import ConfigError
from schemas.recovery import FORM_REPAIRS, RepairKind

MOST_TOGETHER = 64
"""The largest `together` of a user's own task."""
METHODS = ("attempt", "messages", "claim", "shown", "key", "written")


def build_task(config: RunConfig) -> Task:
    """The run's task. Raises ConfigError for one that cannot be imported, made or used."""
    match config.task:
        case GroundedAnswer():
            return GroundedAnswerTask(config.task)
        case Math():
            verifier = verifier_of(config.gates) or Verifier()
            return MathTask(config.task, longest_answer=verifier.max_characters)
        case Sql():
            return SqlTask(config.task)
        case Code() if config.corpus.has_answers:
            return CodeProblemTask(config.task)
        case Code():
            return CodeTask(config.task, cases=(code_tests_of(config.gates) or CodeTests()).cases)
        case CustomTask():
            return own_task(config.task)
        case Prompted():
            fields = config.task.all_fields
            checks = {each.name: value_checks(each.schema, each.checks) for each in fields if each.schema is not None}
            columns = config.corpus.columns or ()
            return PromptedTask(config.task, repairs=_named_repairs(config), columns=columns, checks=checks)


def _named_repairs(config: RunConfig) -> list[RepairKind]:
    """The repairs that a run brings or lists: a prompted task's template sees their names, and the others' are not its
    own."""
    listed = [kind for row in config.recovery.repairs.values() for kind in row if kind not in FORM_REPAIRS]
    return [RepairKind(name) for name in dict.fromkeys((*config.recovery.own_repairs, *listed))]


def own_task(config: CustomTask) -> Task:
    """The task that a user's class or function makes from its configuration. Raises ConfigError."""
    try:
        made = factory_of(config.task)(config)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"task.task: {config.task} cannot be imported: {error}") from error
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigError(f"task.task: {config.task} cannot be made: {error}") from error
    missing = [method for method in METHODS if not callable(getattr(made, method, None))]
    if missing:
        raise ConfigError(f"task.task: {config.task} is no task: it has no {', '.join(missing)} (docs/tasks/own.md)")
    if not isinstance(together := getattr(made, "together", None), int) or not 1 <= together <= MOST_TOGETHER:
        raise ConfigError(
            f"task.task: {config.task}: its `together` is {together!r}; it must be a whole number from 1 to "
            f"{MOST_TOGETHER} (docs/tasks/own.md)"
        )
    return made
