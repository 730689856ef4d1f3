"""TLS as a client: whom to trust."""

import ssl
from typing import Literal, TypeAlias

from .errors import UsageError

TlsVersion: TypeAlias = Literal["1.2", "1.3"]


def tls_context(ca_file: str | None, *, is_verified: bool = True, version: TlsVersion | None = None) -> ssl.SSLContext:
    """A context that trusts the system's roots and `ca_file`, and speaks no other `version`.

    Raises `UsageError` when the file can't be read.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"can't read the certificates in {ca_file}: {error}") from error
    if not is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if version is not None:
        wanted = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
        context.minimum_version = context.maximum_version = wanted
    return context
