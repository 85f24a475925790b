"""The files of TLS: whether they can be used, and what they hold.

HAProxy and gRPC read them by themselves and load them again when they change. This module is what
both need beside: a check before the start, and files that are read as one.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from pba.errors import InvalidInput

__all__ = ["CertificateFiles", "Certificates"]

_HASTE = 5  # tries to read files that are being replaced


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the files hold, in PEM: the key, the chain of certificates, and who signs callers'."""

    key: bytes
    chain: bytes
    client_ca: bytes | None


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where certificate and key of the service are, and the authorities of callers, if any."""

    cert: Path
    key: Path
    client_ca: Path | None

    def state(self) -> tuple[tuple[int, ...], ...]:
        """Return what changes with the files; a file that is not there is of no size."""
        return tuple(_state(path) for path in self._paths())

    def read(self) -> Certificates:
        """Return what the files hold, if it fits together.

        Raises
        ------
        InvalidInput
            If a file cannot be read, or the key is not that of the certificate.
        """
        for _ in range(_HASTE):
            before = self.state()
            try:
                self._check()
                texts = [path.read_bytes() for path in self._paths()]
            except OSError as error:  # ssl.SSLError is one
                raise InvalidInput(self._problem(error)) from None
            if self.state() == before:  # else the check was of other files
                chain, key, *rest = texts
                return Certificates(key, chain, rest[0] if rest else None)
        raise InvalidInput(f"{self.cert} or a file beside it changes all the time.")

    def _paths(self) -> list[Path]:
        paths = [self.cert, self.key, self.client_ca]
        return [path for path in paths if path is not None]

    def _check(self) -> None:
        for path in self._paths():
            path.read_bytes()  # an error that names the file
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key, password=_no_password)
        if self.client_ca is not None:
            context.load_verify_locations(self.client_ca)

    def _problem(self, error: OSError) -> str:
        if not isinstance(error, ssl.SSLError):
            return f"{error.filename} cannot be read ({error.strerror}). Name a PEM file."
        return (
            f"the certificate in {self.cert} cannot be used with the key in {self.key}"
            f"{f' and the authorities in {self.client_ca}' if self.client_ca else ''} "
            f"({error.reason or error}). Name PEM files: the certificate with those between it and "
            "its authority, its own key without a password, and certificates of authorities."
        )


def _state(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()
    except OSError:
        return ()
    return (stat.st_mtime_ns, stat.st_ino, stat.st_size)


def _no_password() -> str:
    """Return none, where OpenSSL would ask the terminal."""
    return ""
