"""Callers known by the certificates of their TLS connections, once these have been verified."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from pba.security.identity import Identity

__all__ = ["ClientCertificates"]

_KINDS = (
    ("URI", x509.UniformResourceIdentifier),
    ("DNS", x509.DNSName),
    ("email", x509.RFC822Name),
)


class ClientCertificates:
    """Knows the callers whose certificates have a name that is listed.

    The names of a certificate are its subject alternative names, as ``URI:`` (SPIFFE ids), ``DNS:``
    and ``email:``, and then the common name of its subject, as ``CN:``. The first that is listed
    counts. Whoever calls `identify` has had the certificate verified.

    Parameters
    ----------
    identities
        The caller that each name stands for.
    """

    def __init__(self, identities: Mapping[str, Identity]) -> None:
        self._identities = identities
        self._identify = lru_cache(maxsize=1024)(self._read)

    def identify(self, certificate: bytes) -> Identity | None:
        """Return whose ``certificate`` (DER) it is, None if no name of it is listed."""
        return self._identify(certificate)

    def _read(self, certificate: bytes) -> Identity | None:
        try:
            names = list(_names(x509.load_der_x509_certificate(certificate)))
        except ValueError:  # what is no certificate, or one with broken extensions, names no caller
            return None
        listed = (self._identities[name] for name in names if name in self._identities)
        return next(listed, None)


def _names(certificate: x509.Certificate) -> Iterator[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        pass
    else:
        for prefix, kind in _KINDS:
            for name in extension.value.get_values_for_type(kind):
                yield f"{prefix}:{name}"
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        yield f"CN:{attribute.value!s}"
