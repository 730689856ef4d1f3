"""TLS for SIP and HTTPS: a local certificate authority, and the server contexts made from it or from files.

trustme and cryptography are imported when an `Authority` is made, not before.
"""

import ipaddress
import shutil
import ssl
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..errors import UsageError

SERVED_NAME = "api.openai.com"
LOCAL_NAMES = (SERVED_NAME, "localhost", "127.0.0.1", "::1")
"""What every certificate of the authority is for, besides the names that it is asked for."""

HTTP_PROTOCOLS = ("http/1.1",)  # aiohttp serves no HTTP/2; clients that offer h2 fall back on this answer


class Authority:
    """A certificate authority of this process alone. Its certificate lies in `ca_file`, in a folder of its own,
    with those of the authorities of a user's certificate: what clients need to trust.

    The authority's key never leaves memory. Use it as a context manager, or call `close()`, which removes the folder,
    once nobody needs the file.
    """

    def __init__(self) -> None:
        import trustme

        self._ca = trustme.CA(organization_name="ringback", organization_unit_name="local authority of one emulator")
        self.ca_pem: bytes = self._ca.cert_pem.bytes()
        self.folder = Path(tempfile.mkdtemp(prefix="ringback-"))
        self.folder.chmod(0o755)  # only a certificate lies there, and phones may run as another user
        self.ca_file = self.folder / "ca.pem"
        self.ca_file.write_bytes(self.ca_pem)

    def server_context(
        self, hosts: Iterable[str] = (), *, protocols: Sequence[str] = (), keylog: str | None = None
    ) -> ssl.SSLContext:
        """A server's context with an ECDSA P-256 certificate for `LOCAL_NAMES` and `hosts` (names or IP addresses).

        `protocols` is what ALPN offers; `keylog` a file to which the sessions' secrets are appended.
        """
        context = _bare_context(protocols=protocols, keylog=keylog)
        # The service's certificate has this common name [OBS].
        certificate = self._ca.issue_cert(*certificate_names(hosts), common_name=SERVED_NAME)
        certificate.configure_cert(context)
        return context

    def trust(self, certificate_file: str) -> None:
        """Let `ca_file` have the authorities of a user's certificate too, as far as its file has them: a self-signed
        certificate is its own. Raises `UsageError` when it has no certificates."""
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding

        try:
            chain = x509.load_pem_x509_certificates(Path(certificate_file).read_bytes())
        except (OSError, ValueError) as error:
            raise UsageError(f"TLS: {certificate_file} has no certificates: {error}") from error
        # Of the server's own only a self-signed one: clients differ in whether they trust another.
        authorities = [each for each in chain if each is not chain[0] or each.subject == each.issuer]
        self.ca_file.write_bytes(self.ca_pem + b"".join(each.public_bytes(Encoding.PEM) for each in authorities))

    def close(self) -> None:
        """Remove the folder with the certificate file. Contexts already made go on working."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContexts:
    """The two contexts of one emulator: without ALPN for SIP, with it for HTTPS."""

    sip: ssl.SSLContext
    https: ssl.SSLContext


def server_contexts(
    authority: Authority,
    *,
    hosts: Iterable[str] = (),
    certificate_file: str | None = None,
    key_file: str | None = None,
    keylog: str | None = None,
) -> ServerContexts:
    """The contexts for the listeners; `hosts` are the bound and the advertised address.

    With a certificate of the user's own it is shown to every client, but for HTTPS clients that ask for
    api.openai.com: only a redirected program does so, and it trusts the authority.
    """
    hosts = tuple(hosts)
    if certificate_file is None or key_file is None:
        sip = authority.server_context(hosts, keylog=keylog)
        return ServerContexts(sip=sip, https=authority.server_context(hosts, protocols=HTTP_PROTOCOLS, keylog=keylog))
    sip = context_from_files(certificate_file, key_file, keylog=keylog)
    authority.trust(certificate_file)
    https = context_from_files(certificate_file, key_file, protocols=HTTP_PROTOCOLS, keylog=keylog)
    served = authority.server_context(hosts, protocols=HTTP_PROTOCOLS, keylog=keylog)

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name == SERVED_NAME:
            connection.context = served

    https.sni_callback = choose
    return ServerContexts(sip=sip, https=https)


def context_from_files(
    certificate_file: str, key_file: str, *, protocols: Sequence[str] = (), keylog: str | None = None
) -> ssl.SSLContext:
    """A server's context from PEM files: a chain, the server's certificate first, and its unencrypted key."""
    context = _bare_context(protocols=protocols, keylog=keylog)
    for file in (certificate_file, key_file):
        if not Path(file).is_file():
            raise UsageError(f"TLS: there is no file {file}")

    def refuse_password() -> str:
        raise UsageError(f"TLS: the key in {key_file} has a password: give one without")

    try:
        context.load_cert_chain(certificate_file, key_file, password=refuse_password)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(
            f"TLS: {certificate_file} and {key_file} are not a certificate and its key: {error}"
        ) from error
    return context


def client_context(*, is_verified: bool, ca_file: str | None) -> ssl.SSLContext:
    """For connections to phones and trunks. Few phones have a certificate that anybody signed."""
    if ca_file is not None and not Path(ca_file).is_file():
        raise UsageError(f"TLS: there is no file {ca_file}")
    if not is_verified:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(f"TLS: {ca_file} has no certificates: {error}") from error


def certificate_names(hosts: Iterable[str]) -> tuple[str, ...]:
    """`LOCAL_NAMES` and `hosts`, each once, in a certificate's spelling: no brackets, no scope, no wildcard address."""
    names = dict.fromkeys(LOCAL_NAMES)
    for host in hosts:
        bare = host.strip("[]").partition("%")[0]
        try:
            address = ipaddress.ip_address(bare)
        except ValueError:
            names[bare.lower()] = None
        else:
            if not address.is_unspecified:
                names[str(address)] = None
    return tuple(names)


def _bare_context(*, protocols: Sequence[str], keylog: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if keylog is not None:
        try:
            context.keylog_filename = keylog
        except OSError as error:
            raise UsageError(f"TLS: secrets can't be written to {keylog}: {error}") from error
    return context
