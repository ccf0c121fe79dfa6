"""A bucket of S3, or of a server that speaks as it does. Law: no key and no token is in any line; the client takes them
from its usual environment (docs/storage.md), and ours never reads them.

One layer retries, the mirror: the client tries a request again twice, because a single 503 is no news.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.storage.address import StoreAddress
from deployments.storage.objects import ChangedError, StoredObject, UnreachableError
from schemas.errors import GleanerError, StoreAwayError, StoreError

if TYPE_CHECKING:
    from obstore import PutMode

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
REQUEST_S, CONNECT_S, RETRY_S = 60, 5, 20
RETRIES = 2
LONGEST = 240
"""Characters of what the client says."""
_CODE = re.compile(r"<Code>(\w+)</Code>")
_NO_KEY = re.compile(r"169\.254\.169\.254|CredentialsError|Missing(?:AccessKeyId|SecretAccessKey)")
_UNREACHED = re.compile(r"Error performing \w+ (\w+://[^/\s]+).*error sending request", re.DOTALL)
_EXPIRED = frozenset({"ExpiredToken", "TokenRefreshRequired", "RequestExpired"})
_ADVICE = {
    "NoSuchBucket": "there is no such bucket; make it, or choose another --output",
    "InvalidAccessKeyId": "the key is not known there; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "SignatureDoesNotMatch": "the secret does not belong to the key; set AWS_SECRET_ACCESS_KEY",
    "AccessDenied": "this key may not read and write here; it needs GetObject, PutObject and DeleteObject",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set AWS_REGION",
    "NotImplemented": "the server has no conditional puts (If-Match); choose another store or a folder",
}


class S3:
    """The objects below one address."""

    def __init__(self, address: StoreAddress) -> None:
        """Asks nothing of the server. Raises StoreError when the client is not installed."""
        try:
            from obstore.store import S3Store
        except ImportError as error:
            raise StoreError(
                f"{address}: needs the client of object stores; install it: pip install 'gleaner[s3]'"
            ) from error
        self._address = address
        endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), None)
        with self._translated():
            self._store: S3Store = S3Store(
                address.bucket,
                prefix=address.prefix,
                config={} if endpoint is None else {"endpoint": endpoint},
                client_options={
                    "allow_http": bool(endpoint and endpoint.startswith("http://")),
                    "timeout": timedelta(seconds=REQUEST_S),
                    "connect_timeout": timedelta(seconds=CONNECT_S),
                },
                retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_S)},
            )

    def get(self, name: str) -> StoredObject | None:
        """As `objects.Store` says."""
        with self._translated():
            try:
                result = self._store.get(name)
                return StoredObject(bytes(result.bytes()), _etag(result.meta))
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None

    def put(self, name: str, content: bytes | Path) -> None:
        """As `objects.Store` says. A file of more than 5 MB is sent in parts: it is there whole or not at all."""
        with self._translated():
            self._store.put(name, content)

    def put_if(self, name: str, content: bytes, etag: str | None) -> str:
        """As `objects.Store` says."""
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._translated():
            try:
                mode: PutMode = "create" if etag is None else {"e_tag": etag}
                return _etag(self._store.put(name, content, mode=mode, use_multipart=False))
            except (AlreadyExistsError, PreconditionError) as error:
                raise ChangedError(f"{name} is another one") from error

    def delete(self, name: str) -> None:
        """As `objects.Store` says."""
        with self._translated():
            try:
                self._store.delete(name)
            except FileNotFoundError:
                return

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except GleanerError:
            raise
        except Exception as error:  # the client has errors of several bases
            raise _in_words(str(self._address), error) from error


def _etag(meta: Any) -> str:
    etag = meta["e_tag"]
    if not etag:
        raise StoreError("the server gives objects no etag, without which one run at a time cannot be kept")
    return etag


def _in_words(where: str, error: Exception) -> GleanerError:
    text = str(error)
    code = found[1] if (found := _CODE.search(text)) else ""
    if code in _EXPIRED:
        return StoreAwayError(f"{where}: the credentials have expired ({code}); nothing that was sent is lost")
    if code in _ADVICE:
        return StoreError(f"{where}: {_ADVICE[code]}")
    if _NO_KEY.search(text):
        return StoreError(
            f"{where}: there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where the "
            "machine has a role"
        )
    if not code and (found := _UNREACHED.search(text)):
        return UnreachableError(f"{where}: the server does not answer at {found[1]}")
    said = text.partition("<Message>")[2].partition("</Message>")[0] or _first_words(text)
    return StoreAwayError(f"{where}: {' '.join(said.split())[:LONGEST]}")


def _first_words(text: str) -> str:
    """The client's errors go on for lines, with the source's source."""
    return text.split("\n\nDebug source", 1)[0].strip() or "no words"
