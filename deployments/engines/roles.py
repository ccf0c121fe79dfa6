"""What a model is asked for."""

from enum import Enum


class EngineRole(Enum):
    GENERATOR = "generator"
    CLASSIFIER = "classifier"
    ENCODER = "encoder"
