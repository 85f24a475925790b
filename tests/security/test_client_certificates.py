"""Which names of a certificate stand for a caller."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pba.security.client_certificates import ClientCertificates
from pba.security.identity import Identity
from pba.security.roles import Role
from pba.security.scopes import EVERYTHING, Scope

FRA = Identity("cert:URI:spiffe://dwcp/fra1", Role.REPORTER, Scope(("fra1:*",)))
ANNA = Identity("cert:CN:anna", Role.ADMIN, EVERYTHING)
LISTED = ClientCertificates({"URI:spiffe://dwcp/fra1": FRA, "CN:anna": ANNA})


def certificate(common_name: str, *names: x509.GeneralName) -> bytes:
    """Return a certificate in DER; who signs it is the business of TLS."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, at, at)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_an_alternative_name_stands_for_a_caller():
    spiffe = x509.UniformResourceIdentifier("spiffe://dwcp/fra1")
    assert LISTED.identify(certificate("anna", x509.DNSName("fra1.example"), spiffe)) is FRA


def test_the_common_name_stands_for_a_caller_where_no_other_name_is_listed():
    assert LISTED.identify(certificate("anna")) is ANNA
    assert LISTED.identify(certificate("anna", x509.DNSName("other.example"))) is ANNA


def test_a_common_name_is_not_taken_for_an_alternative_name_or_the_other_way():
    assert LISTED.identify(certificate("URI:spiffe://dwcp/fra1")) is None
    assert LISTED.identify(certificate("x", x509.DNSName("CN:anna"))) is None
    assert LISTED.identify(certificate("Anna")) is None


def test_what_is_no_certificate_stands_for_nobody():
    for text in (b"", b"nonsense", certificate("anna")[:-10]):
        assert LISTED.identify(text) is None
