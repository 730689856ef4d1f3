"""TLS as a client: whom to trust."""

import ssl
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from .errors import UsageError

TlsVersion: TypeAlias = Literal["1.2", "1.3"]


def tls_context(ca_file: str | None, *, is_verified: bool = True, version: TlsVersion | None = None) -> ssl.SSLContext:
    """A context that trusts the system's roots and `ca_file`, and speaks no other `version`. It is shared.

    Raises `UsageError` when the file can't be read.
    """
    try:
        authorities = None if ca_file is None else Path(ca_file).read_bytes()
        return _context(authorities, is_verified, version)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"can't read the certificates in {ca_file}: {error}") from error


@lru_cache(maxsize=16)  # to read the system's roots takes 25 ms, which is more than a call
def _context(authorities: bytes | None, is_verified: bool, version: TlsVersion | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authorities is not None:
        context.load_verify_locations(cadata=authorities.decode("ascii", "ignore"))
    if not is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if version is not None:
        wanted = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
        context.minimum_version = context.maximum_version = wanted
    return context
