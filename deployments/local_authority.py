"""An authority of certificates for trying TLS on one machine, and for tests.

Its key lies in a file beside: whoever reads that can pass for the service. A service that others
use gets its certificate from an authority that is run as one.
"""

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pba.private_files import create_private_folder

__all__ = ["Issued", "LocalAuthority"]

_DAYS = 365
_USAGES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


@dataclass(frozen=True, slots=True)
class Issued:
    """The files of a certificate and of its key, in PEM."""

    cert: Path
    key: Path


class LocalAuthority:
    """Signs certificates of services and of callers.

    ``ca`` is the file with the certificate that those who check them need.
    """

    def __init__(self, ca: Path, cert: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.ca = ca
        self._cert, self._key = cert, key

    @classmethod
    def create(cls, folder: Path, days: int = _DAYS) -> Self:
        """Return a new authority, whose files ``ca.pem`` and ``ca.key`` are in ``folder``."""
        create_private_folder(folder)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("PBA test authority")
        cert = (
            _builder(name, name, key, days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        files = _write(folder, "ca", cert, key)
        return cls(files.cert, cert, key)

    @classmethod
    def open(cls, folder: Path, days: int = _DAYS) -> Self:
        """Return the authority in ``folder``; a new one for ``days`` if its time is over."""
        ca = folder / "ca.pem"
        if not ca.exists():
            return cls.create(folder, days)
        cert = x509.load_pem_x509_certificate(ca.read_bytes())
        left = cert.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
        if left.days < _DAYS // 2:  # what it signs would end sooner than it says
            return cls.create(folder, days)
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(ca, cert, key)

    def issue(
        self,
        name: str,
        hosts: Sequence[str] = (),
        days: int = _DAYS // 2,
        folder: Path | None = None,
    ) -> Issued:
        """Write a certificate of ``name`` for ``hosts``, names or addresses, into ``folder``.

        Without a folder it is written beside that of this authority.

        It replaces the one of that name: the key first, then the certificate, each whole.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._cert.subject, key, days)
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        cert = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs=False), critical=True)
            .add_extension(_USAGES, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return _write(folder or self.ca.parent, name, cert, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _write(
    folder: Path, name: str, cert: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> Issued:
    files = Issued(folder / f"{name}.pem", folder / f"{name}.key")
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _replace(files.key, secret)
    _replace(files.cert, cert.public_bytes(serialization.Encoding.PEM))
    return files


def _replace(path: Path, content: bytes) -> None:
    """Put a file of this user's alone in the place of ``path``, at once."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)
