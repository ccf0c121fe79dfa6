"""The replicas of each application that this process may call, as Serve's router of the application tells them.

Law: one writer (the router, perhaps in a thread of Serve's) replaces a tuple; readers take it as it is, and may be
late. Nothing is known before the first call, which makes the router.
"""

_LIVE: dict[str, tuple[str, ...]] = {}


def tell_live(application: str, replicas: tuple[str, ...]) -> None:
    """Replaces what is known of an application."""
    _LIVE[application] = replicas


def live(application: str) -> tuple[str, ...]:
    """The names of its replicas, in order; empty as long as none is known."""
    return _LIVE.get(application, ())
