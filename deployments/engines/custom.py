"""An engine of your own: a factory named `module:function`, called with the configured options.

Law: the engine has the methods of the protocol; its author must see that it keeps the protocol's promises.
"""

from actors.protocols import Engine
from deployments.build.own_code import factory_of
from schemas.config_engines import CustomEngine
from schemas.errors import ConfigError

_METHODS = ("start", "check", "close", "generate", "classify")


def custom_engine(config: CustomEngine) -> Engine:
    """The factory's engine, not started. Raises ConfigError when it cannot be imported, called or used."""
    try:
        factory = factory_of(config.factory)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"engine factory '{config.factory}' cannot be imported: {error}") from error
    try:
        engine = factory(**config.options)
    except TypeError as error:
        raise ConfigError(f"engine factory '{config.factory}' does not take these options: {error}") from error
    missing = [method for method in _METHODS if not callable(getattr(engine, method, None))]
    if missing:
        raise ConfigError(f"engine factory '{config.factory}' gives no engine: it has no {', '.join(missing)}")
    return engine
