import ssl
import subprocess
from pathlib import Path

import pytest
import trustme
from ringback.emulator.transports import environment
from ringback.emulator.transports.environment import (
    BUNDLE_VARIABLES,
    NODE_SHIM,
    PYTHON_SHIM,
    Redirection,
    certificates_in,
    child_environment,
    direct_hosts,
    system_roots,
)


def pem(ca: trustme.CA) -> bytes:
    return ca.cert_pem.bytes()


OWN = trustme.CA(organization_name="own")
USERS = trustme.CA(organization_name="user's")
SYSTEM = trustme.CA(organization_name="system's")


@pytest.fixture
def redirection(tmp_path: Path) -> Redirection:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(pem(OWN))
    return Redirection(
        base_url="http://192.0.2.1:8080/v1",
        api_key="sk-ringback-1",
        webhook_secret="whsec_cmluZ2JhY2s=",
        ca_file=ca_file,
        target=("127.0.0.1", 8443),
        proxy_port=3128,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bundles"
    folder.mkdir()
    return folder


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    file = tmp_path / "users.pem"
    file.write_bytes(pem(USERS))
    return file


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that trusts SYSTEM."""
    monkeypatch.setattr(environment, "system_roots", lambda environ: pem(SYSTEM))


def subjects(file: str) -> set[str]:
    """Whom a bundle trusts, as OpenSSL reads it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(file)
    return {
        value
        for certificate in context.get_ca_certs()
        for part in certificate["subject"]
        for name, value in part  # type: ignore[misc]
        if name == "organizationName"
    }


def test_child_is_given_emulators_address_and_secrets(redirection: Redirection, folder: Path) -> None:
    given = {"OPENAI_API_KEY": "sk-real", "OPENAI_BASE_URL": "https://api.openai.com/v1", "HOME": "/home/me"}
    child = child_environment(given, redirection, folder=folder)
    assert child["OPENAI_BASE_URL"] == "http://192.0.2.1:8080/v1"
    assert child["OPENAI_API_KEY"] == "sk-ringback-1"
    assert child["OPENAI_WEBHOOK_SECRET"] == "whsec_cmluZ2JhY2s="
    assert child["RINGBACK_ADMIN_URL"] == child["OPENAI_BASE_URL"].replace("/v1", "/_ringback")
    assert child["HOME"] == "/home/me"
    assert child["RINGBACK_REDIRECT_TO"] == "127.0.0.1:8443"
    assert child["RINGBACK_REDIRECT_CA"] == str(redirection.ca_file)
    assert child["RINGBACK_REDIRECT_PLAIN"] == "192.0.2.1:8080"
    assert "sk-real" not in child.values()


def test_child_uses_our_proxy_for_https_and_none_for_http(redirection: Redirection, folder: Path) -> None:
    given = {"HTTPS_PROXY": "http://users:1", "HTTP_PROXY": "http://users:2", "ALL_PROXY": "http://users:3"}
    child = child_environment(given, redirection, folder=folder)
    for name in ("HTTPS_PROXY", "https_proxy", "WSS_PROXY", "wss_proxy"):
        assert child[name] == "http://127.0.0.1:3128"
    assert child["HTTP_PROXY"] == "http://users:2"
    assert child["ALL_PROXY"] == "http://users:3"
    assert "http_proxy" not in child


def test_child_loads_shims_after_what_user_has_it_load(redirection: Redirection, folder: Path) -> None:
    child = child_environment({"PYTHONPATH": "/mine", "NODE_OPTIONS": "--no-warnings"}, redirection, folder=folder)
    assert child["PYTHONPATH"] == f"{PYTHON_SHIM}:/mine"
    assert child["NODE_OPTIONS"] == f"--no-warnings --require {NODE_SHIM}"
    child = child_environment({"PYTHONPATH": ""}, redirection, folder=folder)
    assert child["PYTHONPATH"] == str(PYTHON_SHIM)  # an empty part would be the current folder
    assert child["NODE_OPTIONS"] == f"--require {NODE_SHIM}"


def test_python_shim_brings_nothing_else_into_childs_path() -> None:
    assert [file.name for file in PYTHON_SHIM.iterdir() if file.name != "__pycache__"] == ["sitecustomize.py"]


def test_node_finds_shim_in_folder_with_spaces_and_quotes(
    redirection: Redirection,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: object,
) -> None:
    shim = tmp_path / 'a "folder" \\ here' / "shim.cjs"
    shim.parent.mkdir()
    shim.write_text("console.log('loaded')")
    monkeypatch.setattr(environment, "NODE_SHIM", shim)
    child = child_environment({}, redirection, folder=folder)
    command = [program("node"), "-e", "0"]  # type: ignore[operator]
    node = subprocess.run(command, env={"NODE_OPTIONS": child["NODE_OPTIONS"]}, capture_output=True, text=True)
    assert (node.stdout, node.stderr) == ("loaded\n", "")


@pytest.mark.parametrize(
    ("users", "kept"),
    [
        ("", []),
        ("in.example,.corp.example 10.0.0.0/8", ["in.example", ".corp.example", "10.0.0.0/8"]),
        ("*", []),
        ("api.openai.com,in.example", ["in.example"]),
        (".openai.com", []),
        ("*.openai.com:443", []),
        ("chat.openai.com,OpenAI.com", []),
        ("com,.com", []),
        ("notopenai.com,::1,localhost", ["notopenai.com"]),
    ],
)
def test_child_goes_directly_to_loopback_emulator_and_users_exceptions(users: str, kept: list[str]) -> None:
    expected = ["localhost", "127.0.0.1", "::1", "192.0.2.1", *kept]
    assert direct_hosts({"NO_PROXY": users}, "192.0.2.1").split(",") == expected


def test_child_trusts_system_and_us(redirection: Redirection, folder: Path, system: None) -> None:
    child = child_environment({}, redirection, folder=folder)
    for name in BUNDLE_VARIABLES:
        assert subjects(child[name]) == {"own", "system's"}
    assert subjects(child["NODE_EXTRA_CA_CERTS"]) == {"own"}  # adds to Node's own
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("name", BUNDLE_VARIABLES)
def test_child_trusts_whom_users_variable_names(
    redirection: Redirection, folder: Path, users_file: Path, system: None, name: str
) -> None:
    child = child_environment({name: str(users_file)}, redirection, folder=folder)
    assert subjects(child[name]) == {"own", "user's"}
    assert users_file.read_bytes() == pem(USERS)


def test_child_trusts_users_extra_certificates_in_node(
    redirection: Redirection, folder: Path, users_file: Path, system: None
) -> None:
    child = child_environment({"NODE_EXTRA_CA_CERTS": str(users_file)}, redirection, folder=folder)
    assert subjects(child["NODE_EXTRA_CA_CERTS"]) == {"own", "user's"}


def test_child_keeps_its_roots_when_machine_has_none(
    redirection: Redirection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "system_roots", lambda environ: None)
    child = child_environment({}, redirection, folder=folder)
    assert not set(BUNDLE_VARIABLES) & set(child)  # a bundle of ours alone would replace what the child trusts


def test_system_roots_are_those_of_ssl_cert_file(users_file: Path) -> None:
    assert system_roots({"SSL_CERT_FILE": str(users_file)}) == pem(USERS)


def test_system_roots_are_found_in_folder_when_there_is_no_file(
    users_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "SYSTEM_BUNDLES", ())
    defaults = ssl.get_default_verify_paths()._replace(openssl_cafile="/absent", openssl_capath="/absent")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: defaults)
    roots = system_roots({"SSL_CERT_DIR": str(users_file.parent)})
    assert roots is not None
    assert pem(USERS).strip() in roots


def test_system_roots_are_certifis_when_machine_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    certifi = pytest.importorskip("certifi")
    monkeypatch.setattr(environment, "SYSTEM_BUNDLES", ())
    defaults = ssl.get_default_verify_paths()._replace(openssl_cafile="/absent", openssl_capath="/absent")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: defaults)
    assert system_roots({}) == Path(certifi.where()).read_bytes()
    monkeypatch.setitem(__import__("sys").modules, "certifi", None)
    assert system_roots({}) is None


def test_certificates_in_folder_are_read_once_each_and_keys_never(tmp_path: Path) -> None:
    for name, content in (
        ("a.pem", pem(USERS)),
        ("hash.0", pem(USERS)),
        ("b.crt", pem(SYSTEM)),
        ("key.pem", OWN.private_key_pem.bytes()),
        ("README", b"text"),
    ):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "broken").symlink_to("absent")
    found = certificates_in(tmp_path)
    assert found is not None
    assert found.count(b"BEGIN CERTIFICATE") == 2
    assert b"PRIVATE KEY" not in found
    assert certificates_in(tmp_path / "absent") is None
