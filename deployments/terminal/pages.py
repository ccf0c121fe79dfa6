"""Which page of the docs says more about an error.

Law: every error has one page that there is. What decides, in this order: its type, the key of the configuration that it
is about, the command that was given.
"""

import re
from collections.abc import Iterable

from schemas.config import RunConfig
from schemas.errors import (
    ClusterError,
    ConfigError,
    CorpusError,
    HeldError,
    HubAwayError,
    ModelError,
    NoPoolError,
    OutputError,
    PoolAwayError,
    StoreAwayError,
    StoreError,
    UserError,
)

BY_TYPE: dict[type[Exception], str] = {
    HeldError: "durability.md#stopping",
    StoreError: "storage.md#stores-and-credentials",
    OutputError: "durability.md#one-truth",
    CorpusError: "corpus.md#what-is-read",
    ModelError: "first-contact.md#the-first-mistakes",
    NoPoolError: "tasks/own.md#one-call",
    PoolAwayError: "monitoring.md#gleanerpoolpaused",
    HubAwayError: "push.md#what-may-go-wrong",
    StoreAwayError: "storage.md#what-is-promised",
    ClusterError: "durability.md#who-dies-and-what-it-costs",
}
"""The first type that fits."""
BY_KEY: dict[str, str] = {
    "corpus.chunking": "corpus.md#how-documents-are-cut",
    "corpus.readers": "corpus.md#a-reader-of-your-own",
    "corpus": "corpus.md#what-is-read",
    "task.vary": "tasks/prompted.md#variables",
    "task": "configuration.md#the-file",
    "pools.*.engine.base_url": "servers.md#what-your-server-may-need",
    "pools.*.engine.api_key_env": "security.md#keys",
    "pools.*.engine.headers": "security.md#keys",
    "pools.*.replicas": "scaling.md#setting-it-up",
    "pools.*.price": "bill.md",
    "pools": "models.md#which-model-for-which-role",
    "gates.*.engine.base_url": "servers.md#what-your-server-may-need",
    "gates.*.engine.api_key_env": "security.md#keys",
    "gates.*.engine.headers": "security.md#keys",
    "gates.*.provenance": "measuring.md#what-the-judge-is-shown",
    "gates.*.replicas": "scaling.md#setting-it-up",
    "gates.*.price": "bill.md",
    "gates": "gates.md",
    "name": "configuration.md#the-file",
    "seed": "configuration.md#the-file",
    "judging.embedder": "gates.md#near-duplicates-by-vectors",
    "judging": "gates.md#what-follows-from-a-gate",
    "recovery.own_repairs": "recovery.md#repairs-of-your-own",
    "recovery.bar": "recovery.md#the-bar",
    "recovery": "recovery.md#policies",
    "credit": "credit.md#in-a-run",
    "probes": "measuring.md#probes",
    "queue": "clusters.md#how-large",
    "conductors": "clusters.md#how-large",
    "scaling": "scaling.md#setting-it-up",
    "budget": "bill.md",
    "stop.accepted_of": "stopping.md#so-many-of-each",
    "stop": "stopping.md#a-number-of-samples",
    "dataset.sinks": "sinks.md",
    "dataset": "configuration.md#dataset",
    "publish": "push.md",
    "storage": "storage.md#what-it-costs",
    "trackers": "trackers.md",
    "ray_address": "clusters.md",
}
"""The first key that an error's path begins with; `*`: any name."""
BY_COMMAND: dict[str, str] = {
    "init": "first-contact.md#a-runs-yaml-gleaner-init",
    "doctor": "first-contact.md#what-of-this-machine-will-trouble-a-run-gleaner-doctor",
    "samples": "first-contact.md#what-a-run-made-gleaner-samples",
    "page": "page.md",
    "compare": "first-contact.md#two-runs-side-by-side-gleaner-compare",
    "run": "configuration.md",
    "preview": "tutorial.md#look-before-you-pay",
    "plan": "stopping.md#before-it-starts",
    "models": "models.md#models-as-they-are",
    "audit": "gates.md#write-your-own",
    "check": "architecture.md#where-to-add",
    "new": "architecture.md#where-to-add",
    "end": "stopping.md#the-end-on-purpose",
    "fetch": "storage.md#reading-it",
    "drain": "stopping.md#to-go-on-later",
    "status": "monitoring.md#when-nothing-moves",
    "explain": "tutorial.md#see-what-was-made",
    "policy": "recovery.md#gleaner-policy",
    "verify": "durability.md#what-verify-says-of-a-folder-in-use",
    "repair": "durability.md#a-ledger-that-cannot-be-replayed",
    "replay": "durability.md#replay",
    "calibrate": "gates.md#a-cascade",
    "export": "exports.md",
    "push": "push.md",
    "report": "tutorial.md#see-what-was-made",
}
CONFIGURATION = "configuration.md"
BUG = "monitoring.md#logs"
"""What is no mistake of the user's: the logs say more."""
BEGINNING = "tutorial.md"
"""Where nothing else fits."""
_KEY = re.compile(rf"(?:^|[\s:(])((?:{'|'.join(RunConfig.__struct_fields__)})(?:\.[\w*-]+|\[\d+\])*)(?=:)")


def page_of(error: BaseException, command: str | None) -> str:
    """The page, below docs/, with its anchor. `command`: the one that was given."""
    found = next((page for kind, page in BY_TYPE.items() if isinstance(error, kind)), None)
    if found is not None:
        return found
    if not isinstance(error, UserError):
        return BUG
    key = _KEY.search(str(error))
    if key is not None and (found := _longest(key[1], BY_KEY)) is not None:
        return found
    return CONFIGURATION if isinstance(error, ConfigError) else BY_COMMAND.get(command or "", BEGINNING)


def _longest(path: str, keys: Iterable[str]) -> str | None:
    """The page of the most specific key that the path is, or lies below."""
    steps = [step.partition("[")[0] for step in path.split(".")]
    fitting = [key for key in keys if _begins(steps, key.split("."))]
    return BY_KEY[max(fitting, key=len)] if fitting else None


def _begins(steps: list[str], key: list[str]) -> bool:
    return len(steps) >= len(key) and all(wanted in ("*", step) for step, wanted in zip(steps, key, strict=False))
