"""The token for the Hub: that of `hf auth login`, or of HF_TOKEN. Law: it is handed to the client library, and is in no
file, log or line of ours."""

from deployments.engines.http_secrets import Redactor
from deployments.hub.errors import PAGE, hub_boundary
from schemas.errors import UserError


def check_token(repo: str) -> str:
    """The token. Raises UserError where there is none."""
    from huggingface_hub import get_token

    with hub_boundary(repo, Redactor([])):
        token = get_token()
    if token is None:
        raise UserError(f"{repo}: there is no token for the Hub: `hf auth login`, or set HF_TOKEN ({PAGE})")
    return token
