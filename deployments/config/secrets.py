"""Finds secrets in a configuration. Law: a secret is refused and never shown. The name of an environment variable or a
file, or a number of tokens, is no secret."""

import re
from itertools import pairwise

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    {"secret", "secrets", "password", "passwd", "pwd", "passphrase", "bearer", "auth", "authorization", "apikey"}
    | {"credential", "credentials", "cookie"}
)
_LAST_WORDS = frozenset({"key", "token", "sas", "jwt", "signature"})
"""Words that mean a secret at the end of a name: `token_limit` is no secret."""
_KEYS_OF = frozenset({"api", "access", "private", "secret", "account", "subscription", "shared", "signing"})
_POINTERS = frozenset({"env", "variable", "file", "path", "id"})
"""Last words of names for the place of a secret. An id is one, except the id of a key, which is half a secret (AWS)."""
_ADDRESS = re.compile(r"://")
_USER = re.compile(r"://[^/\s?#]*@")
_QUERY = re.compile(r"[?&;]([\w.~-]+)=[^&\s]")
_VALUES = re.compile(
    r"\bBearer +[\w.~+/=-]{8,}"
    r"|\bsk-((proj|ant|or|svcacct|admin)-[\w-]{8,}|[A-Za-z0-9]{20,})|\b(hf|gsk|xai|nvapi|pplx|r8|fw)[_-][A-Za-z0-9]{16,}|\bgh[pousr]_\w{16,}|\bgithub_pat_\w{16,}"
    r"|\bglpat-[\w-]{16,}|\bxox[abprs]-[\w-]{10,}|\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
)


def names_a_secret(name: str) -> bool:
    """Whether a key has the name of a secret: `api_key`, `authToken`, `AWS_ACCESS_KEY_ID`, `secret_value`."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    of_a_key = any(before in _KEYS_OF and word == "key" for before, word in pairwise(words))
    if words[-1] in _POINTERS and not (of_a_key and words[-1] == "id"):
        return False
    return of_a_key or words[-1] in _LAST_WORDS or not _SECRET_WORDS.isdisjoint(words)


def holds_a_secret(value: str) -> bool:
    """Whether any part of a text has the form of a known kind of key."""
    return _VALUES.search(value) is not None


def has_credentials(value: str) -> bool:
    """Whether an address holds a user's name, or a secret in its query (a signed link)."""
    if not _ADDRESS.search(value):
        return False
    return _USER.search(value) is not None or any(
        names_a_secret(name) or name.lower() in ("sig", "x-amz-credential") for name in _QUERY.findall(value)
    )
