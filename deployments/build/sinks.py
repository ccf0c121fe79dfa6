"""The sinks of a configuration. Law: a factory is imported here, before any model is called, and called where shards
are delivered: if the sink's storage is away, the run goes on."""

from collections.abc import Mapping
from functools import partial

from actors.dataset.courier import SinkPlace
from actors.protocols import Sink
from deployments.build.own_code import factory_of
from schemas.config_bounds import SinkConfig
from schemas.errors import ConfigError


def sink_places(sinks: Mapping[str, SinkConfig]) -> list[SinkPlace]:
    """Every sink by its name. Raises ConfigError for a factory that cannot be found."""
    return [sink_place(name, config) for name, config in sinks.items()]


def sink_place(name: str, config: SinkConfig) -> SinkPlace:
    """The sink of that name. Raises ConfigError."""
    where = f"dataset.sinks.{name}.factory"
    try:
        factory = factory_of(config.factory)
    except ImportError as error:
        raise ConfigError(f"{where}: {config.factory} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ConfigError(f"{where}: {config.factory} is not there: {error}") from error
    if not callable(factory):
        raise ConfigError(f"{where}: {config.factory} is no factory")
    return SinkPlace(name, partial(_made, config.factory, partial(factory, **config.options)))


def _made(name: str, make: partial) -> Sink:
    sink = make()
    if not callable(getattr(sink, "deliver", None)):
        raise TypeError(f"{name} gives {type(sink).__name__}, which has no deliver (docs/sinks.md)")
    return sink
