"""Modules that are not there. Law: not imported from here, but put first on the path of processes that tests start."""

from pathlib import Path

PATH = str(Path(__file__).parent)
"""For PYTHONPATH. Ray Serve loads pandas where it finds it: a third of a second of CPU in each of a run's processes."""
