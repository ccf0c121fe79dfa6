"""`trackers`: where a run's counts and traces are shown besides its own pages. Law: nothing here changes a sample, and
none of it is a secret: keys and tokens are the environment's."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.config_base import Config, Probability, any_resume

TrackerName = Literal["wandb", "mlflow", "otel"]
Project = Annotated[str, Meta(pattern=r"^[\w .-]{1,128}$", title="a name of letters, digits, spaces, ., _ and -")]
Endpoint = Annotated[str, Meta(pattern=r"^https?://\S+$", title="an address that begins with http:// or https://")]


class WandbTracker(Config, frozen=True):
    """A run of Weights & Biases: the run's curves, and its report at the end. The key is that of `wandb login` or
    WANDB_API_KEY."""

    project: Annotated[Project, any_resume("The project, made where it does not exist.")]
    entity: Annotated[Project | None, any_resume("The user or team; without it, the key's own.")] = None
    mode: Annotated[
        Literal["online", "offline"],
        any_resume("`offline`: into the run's folder (`trackers/wandb`), for `wandb sync`."),
    ] = "online"


class MlflowTracker(Config, frozen=True):
    """A run of MLflow: the run's curves, and its report at the end. MLFLOW_TRACKING_TOKEN, or _USERNAME and _PASSWORD,
    open a server that asks for them."""

    uri: Annotated[str, any_resume("The tracking server, as `http://127.0.0.1:5000`, or a store that MLflow knows.")]
    experiment: Annotated[str, any_resume("The experiment, made where it does not exist.")] = "gleaner"


class OtelTracker(Config, frozen=True):
    """An OpenTelemetry collector: the run's metrics, and traces of its orders. OTEL_EXPORTER_OTLP_HEADERS opens one
    that asks for a key."""

    endpoint: Annotated[Endpoint, any_resume("The collector's address for OTLP over HTTP, as `http://127.0.0.1:4318`.")]
    traces: Annotated[
        Probability,
        any_resume("Of the orders that are no dead letters, this share has a trace; dead letters all have."),
    ] = 0.01
    content: Annotated[bool, any_resume("Whether traces hold prompts, completions and what gates said in words.")] = (
        False
    )


class Trackers(Config, frozen=True):
    """Where the run is shown besides its own pages (docs/trackers.md). One that is away neither delays nor fails it."""

    wandb: Annotated[WandbTracker | None, any_resume("Weights & Biases; needs the extra `wandb`.")] = None
    mlflow: Annotated[MlflowTracker | None, any_resume("MLflow; needs the extra `mlflow`.")] = None
    otel: Annotated[OtelTracker | None, any_resume("OpenTelemetry; needs the extra `otel`.")] = None
