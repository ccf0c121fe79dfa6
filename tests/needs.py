"""What some tests need. A laptop without it skips and says so; continuous integration fails instead."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

IN_CI = "CI" in os.environ
MODELS = Path(__file__).parents[1] / ".models"
"""Real pretrained models, in no repository."""


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skips a test where the program of that Debian package is missing, but never in continuous integration."""
    return needs_that(shutil.which(program) is not None, f"{program} is not installed: apt-get install {package}")


def needs_module(module: str, install: str) -> pytest.MarkDecorator:
    """The same of a Python module; `install` is what pip would install."""
    return needs_that(find_spec(module) is not None, f"{module} is not installed: pip install {install}")


def needs_that(there: bool, otherwise: str) -> pytest.MarkDecorator:
    """The same of anything that may be missing; `otherwise` says what to do about it."""
    return pytest.mark.skipif(not there and not IN_CI, reason=otherwise)


def needs_model(name: str) -> pytest.MarkDecorator:
    """The same of a real model; `.ci/run` builds it before the tests."""
    how = "python -m studies.real_text.models .models"
    return needs_that((MODELS / name).is_dir(), f"the model {name} is not there: {how}")
