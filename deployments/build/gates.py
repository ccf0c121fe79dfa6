"""The gates that run inside each conductor: those that have no deployment of their own.

Law: the rules of a loaded configuration can be read. Users' code is imported here, before any model is called; code
that cannot be found is the user's mistake.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from actors.gates.build import build_judge
from actors.gates.code import CodeGate
from actors.gates.evidence import EXACT, NoSource
from actors.gates.execution import ExecutionGate
from actors.gates.own import ExpressionGate, FunctionGate, OwnSettings, takes_ask
from actors.gates.pooled import PooledGate
from actors.gates.rules import read_rule
from actors.gates.together import Gathering
from actors.gates.verifier import VerifierGate, WorkerLimits
from actors.gates.verifier_pool import VerifierPool
from actors.protocols import Gate
from deployments.build.own_code import factory_of
from deployments.sandbox.code import SandboxedTests
from deployments.sandbox.late import SandboxPlace
from deployments.sandbox.queries import SandboxedQueries
from schemas.config_engines import PoolEngine
from schemas.config_gates import (
    CodeTests,
    CustomGate,
    GateConfig,
    LlmJudge,
    QueryExecution,
    RuleGate,
    TokenJudge,
    Unseen,
    Verifier,
    is_function,
)
from schemas.errors import ConfigError
from schemas.ids import PoolName
from schemas.recovery import FailureMode
from schemas.verdicts import GateName


def inside_gates(gates: Mapping[str, GateConfig]) -> dict[GateName, Gate]:
    """Every gate that needs no deployment, by name. The processes of gates that compute start when needed, and the
    caller closes them. Raises ConfigError for a function that cannot be found or used."""
    built = {GateName(name): inside_gate(GateName(name), gate) for name, gate in gates.items()}
    return {name: gate for name, gate in built.items() if gate is not None}


async def check_sandboxes(gates: Mapping[GateName, Gate]) -> None:
    """Starts and ends the sandboxes of these gates. Raises ConfigError where this system does not offer one."""
    for name, gate in gates.items():
        if isinstance(gate, ExecutionGate | CodeGate):
            try:
                await gate.runner.start()
            except ConfigError as error:
                raise ConfigError(f"gates.{name}.{error}") from error
            finally:
                await gate.runner.close()


def inside_gate(name: GateName, config: GateConfig) -> Gate | None:
    """The gate of that name; None if it has a deployment. Raises ConfigError."""
    match config:
        case Verifier():
            limits = WorkerLimits(timeout_s=config.timeout_s, memory_mib=config.memory_mib)
            return VerifierGate(config, VerifierPool(limits, processes=config.processes), name=name)
        case QueryExecution():
            place = SandboxPlace(config.sandbox, config.processes)
            return ExecutionGate(name, config, SandboxedQueries(config.limits, place))
        case CodeTests():
            return CodeGate(name, config, SandboxedTests(config.limits, SandboxPlace(config.sandbox, config.processes)))
        case RuleGate() if not is_function(config.check):
            return ExpressionGate(_settings(name, config), read_rule(config.check, texts=None))
        case RuleGate():
            return function_gate(_settings(name, config), config.check, {})
        case CustomGate():
            return function_gate(_settings(name, config), config.check, config.options)
        case LlmJudge() | TokenJudge() if isinstance(config.engine, PoolEngine):
            source = NoSource() if isinstance(config.provenance, Unseen) else EXACT
            gathering = Gathering(config.drafts_per_call) if isinstance(config, LlmJudge) else None
            judge = partial(build_judge, name, config, source=source, gathering=gathering)
            return PooledGate(name, PoolName(config.engine.pool), judge)
    return None


def function_gate(settings: OwnSettings, check: str, options: Mapping[str, Any]) -> FunctionGate:
    """The gate of `module:function`, or of a class whose objects have `check`, made with the options. Raises
    ConfigError."""
    where = f"gates.{settings.name}.check"
    try:
        found = factory_of(check)
        if isinstance(found, type):
            made = found(**options)
            return FunctionGate(settings, made.check, {})
        takes_ask(found, options)
    except ImportError as error:
        raise ConfigError(f"{where}: {check} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ConfigError(f"{where}: {check} is not there: {error}") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {check} cannot be used: {error}") from error
    return FunctionGate(settings, found, options)


def reading_scores(gates: Mapping[str, GateConfig]) -> frozenset[GateName]:
    """The rules that read the scores of other gates, and so are asked after them."""
    rules = {name: gate.check for name, gate in gates.items() if isinstance(gate, RuleGate)}
    return frozenset(
        GateName(name)
        for name, check in rules.items()
        if not is_function(check) and read_rule(check, texts=None).scores
    )


def _settings(name: GateName, config: RuleGate | CustomGate) -> OwnSettings:
    return OwnSettings(name, config.threshold, tuple(map(FailureMode, config.modes)))
