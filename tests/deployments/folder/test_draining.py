"""`gleaner drain`: asks the process that holds the folder, and no other."""

from pathlib import Path

import pytest

from actors.ledger.lock import holder_of
from actors.ledger.sqlite import LOCK_NAME, SqliteLedger
from deployments.folder.draining import REQUEST, drain, forget, is_asked

NOBODY = 1
"""A process id that is not this one's: the next holder of the folder."""


def fails() -> None:
    pytest.fail("there is nobody to wait for")


def test_a_folder_that_no_run_holds_is_left_as_it_is(tmp_path: Path) -> None:
    """No request waits for the next run: it would stop as soon as it starts."""
    assert not drain(tmp_path, wait=fails)
    SqliteLedger(tmp_path).close()
    assert not drain(tmp_path, wait=fails)
    assert not is_asked(tmp_path)


def test_the_run_is_asked_until_it_lets_go(tmp_path: Path) -> None:
    """The file is there while the run holds the folder, and gone afterwards."""
    running, looks = SqliteLedger(tmp_path), []

    def wait() -> None:
        looks.append(is_asked(tmp_path))
        if len(looks) == 1:
            forget(tmp_path)  # the run had only just begun, and took it for an old one
        if len(looks) == 2:
            running.close()

    assert drain(tmp_path, wait=wait)
    assert looks == [True, True]
    assert not (tmp_path / REQUEST).exists() and holder_of(tmp_path / LOCK_NAME) is None


def test_the_next_run_is_not_asked(tmp_path: Path) -> None:
    """The first one ends, and the same command takes the folder before the next look: it goes on."""
    first, then = SqliteLedger(tmp_path), []

    def wait() -> None:
        first.close()
        then.append(SqliteLedger(tmp_path, owner=NOBODY))

    assert drain(tmp_path, wait=wait)
    assert not is_asked(tmp_path)
    then[0].close()


def test_an_interrupted_wait_leaves_no_request(tmp_path: Path) -> None:
    """Ctrl-C, or a hook whose time is up."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    with SqliteLedger(tmp_path), pytest.raises(KeyboardInterrupt):
        drain(tmp_path, wait=interrupted)
    assert not is_asked(tmp_path)
