"""Why a model could not be fetched, and what to do: the errors of the Hugging Face hub, in one line.

Law: libraries wrap these errors in errors of their own, so the causes are looked through, the first known one counts. A
token is never in the line.
"""

import errno

from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from schemas.config_engines import ModelSource
from schemas.errors import causes

PAGE = "docs/first-contact.md#the-first-mistakes"


def hub_words(model: str, error: BaseException) -> str | None:
    """What is wrong with the name, the rights, the network or the disk, and what to do; None for any other error."""
    name = ModelSource.of(model).name
    for cause in causes(error):
        match cause:
            case GatedRepoError():
                return (
                    f"{model}: is gated: accept its terms at https://huggingface.co/{name}, then `hf auth login`, or "
                    f"set HF_TOKEN where the replicas run ({PAGE})"
                )
            case RevisionNotFoundError():
                return f"{model}: has no such revision: correct what stands behind the @ ({PAGE})"
            case RepositoryNotFoundError():
                return (
                    f"{model}: the Hugging Face hub has no model of this name, or it is private: correct the name, or "
                    f"`hf auth login`; a folder begins with ./ ({PAGE})"
                )
            case OfflineModeIsEnabled() | LocalEntryNotFoundError():
                return (
                    f"{model}: is not in the cache, and the Hugging Face hub cannot be reached: `hf download {name}` "
                    f"where there is a network, or correct the name; a folder begins with ./ ({PAGE})"
                )
            case OSError(errno=errno.ENOSPC | errno.EDQUOT):
                return f"{model}: the disk is full: make room, or set HF_HOME to another disk ({PAGE})"
    return None
