"""The certificates of the gRPC server, which are read again when their files change."""

import logging
import threading

import grpc

from pba.errors import InvalidInput

from ..certificates import CertificateFiles, Certificates

__all__ = ["server_credentials"]

_log = logging.getLogger("ray.serve")


def server_credentials(files: CertificateFiles) -> grpc.ServerCredentials:
    """Return credentials that look at ``files`` at every new connection.

    With authorities of callers, every caller needs a certificate. gRPC takes TLS 1.2 and 1.3.

    Raises
    ------
    InvalidInput
        If the files cannot be used.
    """
    reload = CertificateReload(files)
    first = _configuration(files.read())
    return grpc.dynamic_ssl_server_credentials(
        first, reload.changed, require_client_authentication=files.client_ca is not None
    )


class CertificateReload:
    """Reads files again that have changed; gRPC asks from threads of its own."""

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._seen = files.state()
        self._lock = threading.Lock()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what the files hold, None if that is as before or cannot be used."""
        with self._lock:
            state = self._files.state()
            if state == self._seen:
                return None
            self._seen = state
        try:
            return _configuration(self._files.read())
        except InvalidInput as error:
            _log.error("certificate_refused", extra={"why": str(error)})
            return None


def _configuration(certificates: Certificates) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(certificates.key, certificates.chain)], root_certificates=certificates.client_ca
    )
