"""Injection as a configuration names it: its plan, and who spoils.

Law: a factory is called with what a run is made of, so that every conductor spoils the same orders in the same way.
"""

from actors.probes.injection import InjectionDraw
from actors.probes.plan import plan_of
from actors.probes.spoiler import PromptedInjector
from actors.protocols import Injector
from deployments.build.own_code import factory_of
from schemas.config import RunConfig
from schemas.config_injection import CustomInjector
from schemas.config_injection import LlmInjector as LlmConfig
from schemas.errors import ConfigError
from schemas.ids import PoolName

_METHODS = ("kinds", "request", "draft", "worth")


def build_injection(config: RunConfig) -> InjectionDraw | None:
    """None when nothing is injected. Raises ConfigError for a factory that cannot be used."""
    if not config.injection.rate:
        return None
    return InjectionDraw(plan_of(config.injection, seed=config.seed), build_injector(config))


def build_injector(config: RunConfig) -> Injector:
    """Who spoils samples, and knows what they are worth. Raises ConfigError for a factory that cannot be used."""
    match config.injection.injector:
        case LlmConfig(verifier=verifier):
            return PromptedInjector(None if verifier is None else PoolName(verifier), seed=config.seed)
        case CustomInjector() as custom:
            return _custom(custom, config)


def _custom(custom: CustomInjector, config: RunConfig) -> Injector:
    where = f"injection.injector.factory: '{custom.factory}'"
    try:
        factory = factory_of(custom.factory)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{where} cannot be imported: {error}") from error
    try:
        injector = factory(config.corpus, config.seed, **custom.options)
    except TypeError as error:
        raise ConfigError(f"{where} does not take these options: {error}") from error
    missing = [method for method in _METHODS if not callable(getattr(injector, method, None))]
    if missing:
        raise ConfigError(f"{where} gives no injector: it has no {', '.join(missing)}")
    return injector
