"""Which certificates a client accepts, and which one it shows."""

import ssl
from pathlib import Path

import httpx

from pba.errors import InvalidRequest

__all__ = ["Cert", "ssl_context"]

Cert = str | Path | tuple[str | Path, str | Path]
"""A PEM file with a certificate and its key, or one file of each."""


def ssl_context(ca: str | Path | None = None, cert: Cert | None = None) -> ssl.SSLContext:
    """Return what TLS needs: ``ca`` or the environment's authorities, and the caller's ``cert``.

    Raises
    ------
    InvalidRequest
        If a file cannot be read, or a key does not fit its certificate.
    """
    context = _authorities(ca)
    if cert is not None:
        _show(cert, context)
    return context


def _authorities(ca: str | Path | None) -> ssl.SSLContext:
    if ca is None:
        source, value = "SSL_CERT_FILE or SSL_CERT_DIR in the environment", None
    else:
        source, value = f"ca, which is {str(ca)!r},", Path(ca)
    try:
        if value is None:
            return httpx.create_ssl_context()
        folder = value.is_dir()
        return ssl.create_default_context(
            cafile=None if folder else value, capath=value if folder else None
        )
    except OSError as error:  # ssl.SSLError is one
        raise InvalidRequest(
            f"{source} cannot be read: {error.strerror or error}. Name a PEM file of certificates, "
            "or a folder of such files.",
            "ca",
        ) from error


def _show(cert: Cert, context: ssl.SSLContext) -> None:
    """Have ``context`` show ``cert`` to a service that asks callers for theirs."""
    certificate, key = cert if isinstance(cert, tuple) else (cert, None)
    names = str(certificate) if key is None else f"{certificate} with the key {key}"
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except OSError as error:  # ssl.SSLError is one
        raise InvalidRequest(
            f"cert, which is {names}, cannot be used: {error.strerror or error}. Name PEM files of "
            "a certificate and of its key.",
            "cert",
        ) from error


def _refuse_password() -> str:
    """Refuse what OpenSSL would otherwise prompt for at the terminal."""
    raise InvalidRequest(
        "the key of cert has a password. Store it without one, in a file that only its user reads.",
        "cert",
    )
