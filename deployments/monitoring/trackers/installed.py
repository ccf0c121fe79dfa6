"""Whether the packages of the configured trackers are installed: looked up before a run begins, not imported."""

from importlib.util import find_spec

from schemas.config_trackers import TrackerName, Trackers
from schemas.errors import UserError

_PACKAGES: dict[TrackerName, tuple[str, ...]] = {
    "wandb": ("wandb",),
    "mlflow": ("mlflow",),
    "otel": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
}


def configured(trackers: Trackers) -> tuple[TrackerName, ...]:
    """The trackers that the configuration has."""
    return tuple(name for name in _PACKAGES if getattr(trackers, name) is not None)


def check_installed(trackers: Trackers) -> None:
    """Raises UserError for the first tracker whose packages are missing."""
    for name in configured(trackers):
        if missing := next((package for package in _PACKAGES[name] if not _is_there(package)), None):
            raise UserError(
                f"trackers.{name}: the package {missing} is not installed: pip install 'gleaner[{name}]' "
                "(docs/trackers.md)"
            )


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # of a package around it
        return False
