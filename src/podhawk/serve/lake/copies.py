"""Copies of the lake in an object store.

The lake is a folder, which the service reads and searches. With `--lake-copy URL` each of its files also goes to an
object store under the same name, so that Spark, DuckDB or another machine can read it there, and so that it outlives
the disk. What the store has is asked of the store: whatever is missing there, or has another size, is sent again. Files
that leave the lake stay in the store, whose own rules decide how long.

A file is sent before it is removed from the lake, unless the store cannot be reached: then the disk counts more.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import md5
from pathlib import Path
from typing import Any, Final

from podhawk.errors import StoreError, UsageError
from podhawk.store.lake import LakeFile

_MD5_LENGTH: Final = 32
"""Characters of an ETag that is the MD5 of an object, as stores give it that were sent the object in one part."""
_REMEDY: Final = (
    "Credentials and the endpoint come from the environment, for example AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL."
)


class LakeCopy:
    """The copy of a lake under a URL: s3://bucket/prefix, gs://…, az://… or file:///…."""

    def __init__(self, url: str) -> None:
        """Raises UsageError for a URL that cannot be used, or if obstore is not installed."""
        try:
            from obstore.store import from_url
        except ImportError:
            raise UsageError(
                "--lake-copy needs the package obstore", remedy="pip install 'podhawk[object-store]'"
            ) from None
        try:
            self._store: Any = from_url(url)
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise UsageError(f"--lake-copy {url!r} cannot be used: {reason}", remedy=_REMEDY) from None

    def send(self, folder: Path, files: Iterable[LakeFile]) -> int:
        """Send the files that the store lacks; gives how many. Raises StoreError, with what was sent before kept."""
        import obstore

        sent = 0
        try:
            known = {one["path"]: one["size"] for page in obstore.list(self._store) for one in page}
            for one in files:
                if known.get(one.name) == one.size:
                    continue
                data = (folder / one.name).read_bytes()
                obstore.put(self._store, one.name, data, use_multipart=False)
                self._check(one.name, data)
                sent += 1
        except FileNotFoundError:  # removed meanwhile: the next time sends the others
            return sent
        except StoreError:
            raise
        except Exception as error:  # obstore has exceptions of its own for each store
            reason = str(error).partition("\n")[0]
            raise StoreError(f"the copy of the lake cannot be written: {reason}", remedy=_REMEDY) from None
        return sent

    def _check(self, name: str, data: bytes) -> None:
        """Compare what the store has with what was sent: its size, and its hash where the store tells one."""
        import obstore

        about = obstore.head(self._store, name)
        tag = str(about["e_tag"] or "").strip('"')
        same = len(tag) != _MD5_LENGTH or tag == md5(data, usedforsecurity=False).hexdigest()
        if about["size"] != len(data) or not same:
            raise StoreError(f"the copy of {name} in the object store is not what was sent", remedy=_REMEDY)
