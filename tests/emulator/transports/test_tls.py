import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ringback.emulator.errors import UsageError
from ringback.emulator.transports.tls import (
    Authority,
    certificate_names,
    context_from_files,
    server_contexts,
)

ONE_DAY = datetime.timedelta(days=1)


@pytest.fixture
def authority() -> Iterator[Authority]:
    with Authority() as authority:
        yield authority


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, trustme.CA]:
    """A user's own certificate for pbx.example, its key, and who issued it."""
    ca = trustme.CA()
    leaf = ca.issue_cert("pbx.example")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    leaf.cert_chain_pems[0].write_to_path(str(certificate))
    leaf.private_key_pem.write_to_path(str(key))
    return str(certificate), str(key), ca


def client_context(ca_pem: bytes, *, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca_pem.decode())
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Shake hands in memory; the client's end comes back."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[0]


def names_in(connection: ssl.SSLObject) -> set[str]:
    certificate = connection.getpeercert()
    assert certificate is not None
    return {str(value) for _, value in certificate["subjectAltName"]}


@pytest.mark.parametrize("name", ["api.openai.com", "localhost", "127.0.0.1", "::1", "192.0.2.7", "sip.example"])
def test_client_trusts_authority_for_name(authority: Authority, name: str) -> None:
    server = authority.server_context(["192.0.2.7", "sip.example"])
    connection = handshake(server, client_context(authority.ca_pem), name)
    assert connection.version() == "TLSv1.3"


def test_client_refuses_name_that_certificate_lacks(authority: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authority.server_context(), client_context(authority.ca_pem), "chat.openai.com")


def test_client_speaks_tls_1_2_when_it_has_no_other(authority: Authority) -> None:
    client = client_context(authority.ca_pem)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(authority.server_context(), client, "localhost").version() == "TLSv1.2"


def test_server_context_refuses_versions_below_tls_1_2(authority: Authority) -> None:
    assert authority.server_context().minimum_version is ssl.TLSVersion.TLSv1_2


def test_authority_issues_p256_certificate(authority: Authority) -> None:
    connection = handshake(authority.server_context(), client_context(authority.ca_pem), "localhost")
    der = connection.getpeercert(binary_form=True)
    assert der is not None
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    common_name = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0]
    assert common_name.value == "api.openai.com"


def test_https_answers_http_1_1_when_client_offers_h2(authority: Authority) -> None:
    contexts = server_contexts(authority)
    client = client_context(authority.ca_pem, protocols=("h2", "http/1.1"))
    assert handshake(contexts.https, client, "localhost").selected_alpn_protocol() == "http/1.1"
    assert handshake(contexts.sip, client, "localhost").selected_alpn_protocol() is None


def test_authority_writes_ca_file_and_removes_it_when_closed() -> None:
    with Authority() as authority:
        assert authority.ca_file.read_bytes() == authority.ca_pem
        assert authority.folder.stat().st_mode & 0o777 == 0o755
        assert b"PRIVATE KEY" not in authority.ca_pem
    assert not authority.folder.exists()
    authority.close()


def test_server_context_writes_key_log(authority: Authority, tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    contexts = server_contexts(authority, keylog=str(log))
    handshake(contexts.sip, client_context(authority.ca_pem), "localhost")
    handshake(contexts.https, client_context(authority.ca_pem), "localhost")
    assert log.read_text().count("SERVER_TRAFFIC_SECRET_0") == 2


def test_user_learns_that_key_log_cannot_be_written(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="secrets can't be written"):
        authority.server_context(keylog=str(tmp_path / "absent" / "keys.log"))


def test_listener_shows_users_certificate_when_given(authority: Authority, files: tuple[str, str, trustme.CA]) -> None:
    certificate, key, ca = files
    contexts = server_contexts(authority, certificate_file=certificate, key_file=key)
    client = client_context(ca.cert_pem.bytes(), protocols=("http/1.1",))
    assert names_in(handshake(contexts.sip, client, "pbx.example")) == {"pbx.example"}
    connection = handshake(contexts.https, client, "pbx.example")
    assert names_in(connection) == {"pbx.example"}
    assert connection.selected_alpn_protocol() == "http/1.1"


def test_redirected_client_gets_authoritys_certificate_when_user_has_his_own(
    authority: Authority, files: tuple[str, str, trustme.CA]
) -> None:
    contexts = server_contexts(authority, certificate_file=files[0], key_file=files[1])
    client = client_context(authority.ca_pem, protocols=("h2", "http/1.1"))
    connection = handshake(contexts.https, client, "api.openai.com")
    assert "api.openai.com" in names_in(connection)
    assert connection.selected_alpn_protocol() == "http/1.1"


def test_client_trusts_users_certificate_by_the_ca_file_when_its_chain_is_there(
    authority: Authority, files: tuple[str, str, trustme.CA]
) -> None:
    certificate, key, ca = files
    with open(certificate, "ab") as file:
        file.write(ca.cert_pem.bytes())
    contexts = server_contexts(authority, certificate_file=certificate, key_file=key)
    client = ssl.create_default_context(cafile=str(authority.ca_file))
    assert names_in(handshake(contexts.sip, client, "pbx.example")) == {"pbx.example"}
    assert "api.openai.com" in names_in(handshake(contexts.https, client, "api.openai.com"))
    assert b"PRIVATE" not in authority.ca_file.read_bytes()


def test_client_trusts_users_certificate_by_the_ca_file_when_it_is_self_signed(
    authority: Authority, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pbx.example")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + ONE_DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("pbx.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    both = tmp_path / "both.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both.write_bytes(secret + signed.public_bytes(Encoding.PEM))
    contexts = server_contexts(authority, certificate_file=str(both), key_file=str(both))
    client = ssl.create_default_context(cafile=str(authority.ca_file))
    assert names_in(handshake(contexts.sip, client, "pbx.example")) == {"pbx.example"}
    assert b"PRIVATE" not in authority.ca_file.read_bytes()


def test_ca_file_has_no_certificate_of_a_server_alone(authority: Authority, files: tuple[str, str, trustme.CA]) -> None:
    before = authority.ca_file.read_bytes()
    server_contexts(authority, certificate_file=files[0], key_file=files[1])
    assert authority.ca_file.read_bytes() == before


def test_user_learns_which_file_is_missing(files: tuple[str, str, trustme.CA]) -> None:
    with pytest.raises(UsageError, match=r"no file /absent/key\.pem"):
        context_from_files(files[0], "/absent/key.pem")


def test_user_learns_that_key_does_not_fit(files: tuple[str, str, trustme.CA], tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("pbx.example").private_key_pem.write_to_path(str(other))
    with pytest.raises(UsageError, match="are not a certificate and its key"):
        context_from_files(files[0], str(other))


def test_user_learns_that_key_has_password(files: tuple[str, str, trustme.CA], tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(Path(files[1]).read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(UsageError, match="has a password"):
        context_from_files(files[0], str(locked))


def test_certificate_names_are_normal_and_unique() -> None:
    names = certificate_names(["[::1]", "fe80::1%eth0", "0.0.0.0", "::", "127.0.0.1", "PBX.example", "2001:DB8:0::1"])
    assert names == ("api.openai.com", "localhost", "127.0.0.1", "::1", "fe80::1", "pbx.example", "2001:db8::1")
    assert ipaddress.ip_address(names[-1]).version == 6
