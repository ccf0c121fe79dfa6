"""Errors of the Hugging Face Hub in one line: what was refused, and what to do.

Law: a token is in no line, nor a piece of one. What the user can mend is a UserError; a Hub that cannot be reached, or
fails itself, is a HubAwayError: what was sent is not lost, and the same command goes on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, RepositoryNotFoundError

from deployments.engines.http_secrets import Redactor
from schemas.errors import GleanerError, HubAwayError, UserError, causes

PAGE = "docs/push.md#what-may-go-wrong"
LONGEST = 300
"""Characters of what the Hub says."""
_CARD_REFUSED = "Invalid metadata in README.md"
"""How the client says that the Hub refuses the card's head, such as a licence that it does not know."""


@contextmanager
def hub_boundary(repo: str, redact: Redactor) -> Iterator[None]:
    """Around every call of the client library. Raises UserError and HubAwayError."""
    try:
        yield
    except GleanerError:
        raise
    except HFValidationError as error:
        raise UserError(f"{repo}: is no name of a dataset on the Hub: give ORG/NAME ({PAGE})") from error
    except Exception as error:  # the library wraps errors of its transports in errors of any kind
        raise _translated(repo, error, redact) from error


def _translated(repo: str, error: BaseException, redact: Redactor) -> GleanerError:
    for cause in causes(error):
        if isinstance(cause, OfflineModeIsEnabled):
            return HubAwayError(f"{repo}: the Hub is not asked, because HF_HUB_OFFLINE is set; unset it ({PAGE})")
        if isinstance(cause, HfHubHTTPError):
            return _refused(repo, cause, redact)
    *_, first = causes(error)
    said = redact(" ".join(f"{type(first).__name__}: {first}".split()))[:LONGEST]
    if str(error).startswith(_CARD_REFUSED):
        return UserError(f"{repo}: the Hub refuses the card: {redact(_card_words(error))} ({PAGE})")
    return HubAwayError(f"{repo}: the Hub cannot be reached ({said}); the same command goes on where this one ended")


def _refused(repo: str, error: HfHubHTTPError, redact: Redactor) -> GleanerError:
    status = error.response.status_code
    said = redact(" ".join((error.server_message or "").split()))[:LONGEST]
    words = f" ({said})" if said else ""
    match status:
        case 401 if not isinstance(error, RepositoryNotFoundError):
            return UserError(f"{repo}: the Hub refuses the token: `hf auth login`, or correct HF_TOKEN ({PAGE})")
        case 403:
            return UserError(f"{repo}: the token may not write there: give it the right, or name another ({PAGE})")
        case 401 | 404:
            return UserError(f"{repo}: is not there for this token: correct the name, or the token's rights ({PAGE})")
        case 409:
            return UserError(
                f"{repo}: the name is taken by what is no dataset, or by one that the token does not see; name another "
                f"({PAGE})"
            )
        case 412:
            return HubAwayError(f"{repo}: was changed meanwhile by somebody else; the same command goes on from there")
        case 408 | 429:
            return HubAwayError(f"{repo}: the Hub asks to wait{words}; the same command goes on where this one ended")
    if status >= 500:
        return HubAwayError(f"{repo}: the Hub fails with {status}; the same command goes on where this one ended")
    return UserError(f"{repo}: the Hub refuses with {status}{words} ({PAGE})")


def _card_words(error: BaseException) -> str:
    return " ".join(str(error).removeprefix(_CARD_REFUSED).lstrip(".").split())[:LONGEST]
