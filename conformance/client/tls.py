"""TLS as a client: whom to trust."""

import ssl

from .errors import UsageError


def tls_context(ca_file: str | None, *, is_verified: bool = True) -> ssl.SSLContext:
    """A context that trusts the system's roots and `ca_file`. Raises `UsageError` when the file can't be read."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"can't read the certificates in {ca_file}: {error}") from error
    if not is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
