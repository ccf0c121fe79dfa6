"""Programs that some tests need. A laptop without one skips and says so; continuous integration fails instead."""

import os
import shutil

import pytest


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skips a test where the program of that Debian package is missing, but never in continuous integration."""
    missing = shutil.which(program) is None and "CI" not in os.environ
    return pytest.mark.skipif(missing, reason=f"{program} is not installed: apt-get install {package}")
