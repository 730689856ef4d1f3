"""The environment that makes a program meet the emulator where it meant api.openai.com.

Three layers: Python programs load `shims/python/sitecustomize.py`, Node.js programs `shims/shim.cjs`, and everything
else is left to the proxy variables and a bundle of certificates. `docs/exec.md` says what each of them reaches.
"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .redirect import Place
from .tls import SERVED_NAME

SHIMS = Path(__file__).parents[1] / "shims"
PYTHON_SHIM = SHIMS / "python"
"""A folder with `sitecustomize.py` and nothing else: what lies beside it would become importable in the child."""
NODE_SHIM = SHIMS / "shim.cjs"

BUNDLE_VARIABLES = (
    "SSL_CERT_FILE",  # OpenSSL, Python's ssl, httpx, Go, curl
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "WEBSOCKET_CLIENT_CA_BUNDLE",
    "AWS_CA_BUNDLE",
)
"""Variables that name *the* trusted certificates: each file is the user's own, or the system's, and ours."""
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "WSS_PROXY", "wss_proxy")
"""Without HTTP_PROXY and ALL_PROXY, so that plain HTTP stays as the user has it."""

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD, Alpine
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirection:
    """What the child must be told: the emulator's `base_url` and secrets, where its HTTPS listener and the proxy are,
    and the file with the certificate of its authority."""

    base_url: str
    api_key: str
    webhook_secret: str
    ca_file: Path
    target: tuple[str, int]
    proxy_port: int


def child_environment(environ: Mapping[str, str], redirection: Redirection, *, folder: Path) -> dict[str, str]:
    """`environ` with the redirection in it. Bundles of certificates are written into `folder`, which must outlive the
    child and be readable to it."""
    child = dict(environ)
    child["OPENAI_BASE_URL"] = redirection.base_url
    child["OPENAI_API_KEY"] = redirection.api_key
    child["OPENAI_WEBHOOK_SECRET"] = redirection.webhook_secret
    child["RINGBACK_ADMIN_URL"] = f"{redirection.base_url.removesuffix('/v1')}/_ringback"
    host, port = redirection.target
    child["RINGBACK_REDIRECT_TO"] = f"{host}:{port}"
    child["RINGBACK_REDIRECT_CA"] = str(redirection.ca_file)
    child["RINGBACK_REDIRECT_HOSTS"] = SERVED_NAME
    child["RINGBACK_REDIRECT_PLAIN"] = urlsplit(redirection.base_url).netloc
    child["PYTHONPATH"] = os.pathsep.join(filter(None, (str(PYTHON_SHIM), environ.get("PYTHONPATH"))))
    child["NODE_OPTIONS"] = f"{environ.get('NODE_OPTIONS', '')} --require {_quoted(NODE_SHIM)}".lstrip()
    for name in PROXY_VARIABLES:
        child[name] = f"http://127.0.0.1:{redirection.proxy_port}"
    direct = direct_hosts(environ, urlsplit(redirection.base_url).hostname)
    child["NO_PROXY"] = child["no_proxy"] = direct
    child.update(_certificates(environ, redirection.ca_file, folder))
    return child


def direct_hosts(environ: Mapping[str, str], emulator_host: str | None) -> str:
    """NO_PROXY for the child: loopback, the emulator, and the user's own, without what would let openai.com by."""
    users = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    names = ["localhost", "127.0.0.1", "::1"]
    if emulator_host is not None:
        names.append(emulator_host)
    for name in users.replace(" ", ",").split(","):
        bare = name.partition(":")[0].lstrip("*.").lower()
        covers_served = name == "*" or f".{SERVED_NAME}".endswith(f".{bare}")
        if name and not covers_served and Place.of(bare) is Place.ELSEWHERE:
            names.append(name)
    return ",".join(dict.fromkeys(names))


def system_roots(environ: Mapping[str, str]) -> bytes | None:
    """The certificates that this machine trusts, as PEM; None where there are none."""
    paths = ssl.get_default_verify_paths()
    for name in (environ.get("SSL_CERT_FILE"), paths.openssl_cafile, *SYSTEM_BUNDLES):
        if name and (pem := certificates_in(Path(name))):
            return pem
    for folder in (environ.get("SSL_CERT_DIR"), paths.openssl_capath):
        if folder and (pem := certificates_in(Path(folder))):
            return pem
    try:
        import certifi
    except ImportError:
        return None
    return Path(certifi.where()).read_bytes()


def certificates_in(path: Path) -> bytes | None:
    """The certificates in a PEM file, or in the files of a folder; None if there is none to read."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
    except OSError:
        return None
    found: dict[bytes, None] = {}  # a folder has each certificate under several names
    for file in files:
        try:
            pem = file.read_bytes()
        except OSError:
            continue
        if b"-----BEGIN " in pem and b"PRIVATE KEY-----" not in pem:
            found[pem.strip() + b"\n"] = None
    return b"".join(found) or None


def _certificates(environ: Mapping[str, str], ca_file: Path, folder: Path) -> dict[str, str]:
    own = ca_file.read_bytes()
    files: dict[bytes, Path] = {}

    def written(roots: bytes) -> str:
        if roots not in files:
            files[roots] = folder / f"bundle-{len(files)}.pem"
            files[roots].write_bytes(roots + own)
        return str(files[roots])

    variables: dict[str, str] = {}
    system = system_roots(environ)
    for name in BUNDLE_VARIABLES:
        users = certificates_in(Path(environ[name])) if environ.get(name) else None
        roots = users or system
        # These variables replace the roots: with our certificate alone the child would trust nobody else any more.
        if roots is not None:
            variables[name] = written(roots)
    # This one adds to the roots.
    extra = certificates_in(Path(environ["NODE_EXTRA_CA_CERTS"])) if environ.get("NODE_EXTRA_CA_CERTS") else None
    variables["NODE_EXTRA_CA_CERTS"] = written(extra or b"")
    return variables


def _quoted(path: Path) -> str:
    """A path in NODE_OPTIONS: in double quotes if a space or a quote is in it."""
    text = str(path)
    if not set(text) & set(' "\\'):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
