"""Which engine a configuration gives, and what is not loaded for it."""

import subprocess
import sys

import pytest

from deployments.engines.build import build_engine
from deployments.engines.roles import EngineRole
from schemas.config_engines import CustomEngine
from schemas.errors import ConfigError
from tests.doubles.engines import InstantEngine

HEAVY = ("torch", "transformers", "vllm")


def no_engine() -> object:
    """A factory that gives something else."""
    return object()


def custom(factory: str, **options: str | float) -> CustomEngine:
    return CustomEngine(factory=factory, options=dict(options))


def test_an_engine_of_ones_own() -> None:
    """A user's factory is called with the configured options."""
    engine = build_engine(custom("tests.doubles.engines:instant", rejected=0.5), EngineRole.GENERATOR)
    assert isinstance(engine, InstantEngine)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (custom("no.such.module:make"), "cannot be imported"),
        (custom("tests.doubles.engines:no_such_name"), "cannot be imported"),
        (custom("tests.doubles.engines:no_model", colour="red"), "does not take these options"),
        (custom("tests.deployments.engines.test_build:no_engine"), "has no start, check, close, generate, classify"),
    ],
)
def test_a_factory_that_cannot_be_used(config: CustomEngine, why: str) -> None:
    """Each mistake is one line that names the factory."""
    with pytest.raises(ConfigError, match=why) as raised:
        build_engine(config, EngineRole.GENERATOR)
    assert config.factory in str(raised.value)


@pytest.mark.slow
def test_nothing_heavy_is_loaded_for_a_server() -> None:
    """A replica that only talks HTTP starts at once: neither torch nor a model library is imported."""
    code = (
        "import sys\n"
        "from deployments.engines.build import build_engine\n"
        "from deployments.engines.roles import EngineRole\n"
        "from schemas.config import HttpEngine\n"
        "build_engine(HttpEngine(base_url='http://localhost/v1', model='m'), EngineRole.GENERATOR)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[]"
