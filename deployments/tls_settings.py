"""The settings of TLS, which HTTP and gRPC share."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from pba.errors import InvalidInput
from pba.project import resolve

from .certificates import CertificateFiles

__all__ = ["TlsSettings", "require_tls_of_haproxy", "tls_variables"]

_SCRIPTS = ("haproxy-with-errors.sh", "haproxy-with-parent.sh")


class TlsSettings(BaseSettings):
    """Settings of TLS; a base of `settings.Settings`."""

    tls_cert: str = Field(
        "",
        description="The service's certificate in PEM, those between it and its authority after "
        "it. With it HTTP and gRPC are encrypted; see docs/tls.md.",
    )
    tls_key: str = Field("", description="The key of that certificate, in PEM, without a password.")
    tls_client_ca: str = Field(
        "",
        description="The authorities of callers, in PEM. With it callers need a certificate that "
        "one of them has signed.",
    )

    @property
    def certificate_files(self) -> CertificateFiles | None:
        """The files of TLS, None without TLS."""
        if not self.tls_cert:
            return None
        client_ca = Path(resolve(self.tls_client_ca)) if self.tls_client_ca else None
        return CertificateFiles(
            Path(resolve(self.tls_cert)), Path(resolve(self.tls_key)), client_ca
        )

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key belong together; set both or neither")
        if self.tls_client_ca and not self.tls_cert:
            raise ValueError("tls_client_ca needs tls_cert and tls_key")
        return self


def tls_variables(settings: TlsSettings) -> dict[str, str]:
    """Return the variables by which HAProxy gets the settings (haproxy-listeners.sh)."""
    files = settings.certificate_files
    if files is None:
        return dict.fromkeys(("PBA_TLS_CERT", "PBA_TLS_KEY", "PBA_TLS_CLIENT_CA"), "")
    return {
        "PBA_TLS_CERT": str(files.cert),
        "PBA_TLS_KEY": str(files.key),
        "PBA_TLS_CLIENT_CA": str(files.client_ca or ""),
    }


def require_tls_of_haproxy(
    settings: TlsSettings, environment: Mapping[str, str] = os.environ
) -> None:
    """Refuse settings that would encrypt only one of HTTP and gRPC; HAProxy encrypts HTTP.

    Raises
    ------
    InvalidInput
        If HAProxy does not run, or has other files from its environment.
    """
    expected = tls_variables(settings)
    present = {name: environment.get(name, "") for name in expected}
    if present != expected:
        raise InvalidInput(
            f"the settings of TLS are {expected}, but HAProxy, which encrypts HTTP, has {present} "
            "from the environment. Set PBA_TLS_ variables with absolute paths where Ray starts, on "
            "every node, and leave tls_ settings out of args."
        )
    script = Path(environment.get("RAY_SERVE_HAPROXY_BINARY_PATH", "")).name
    with_haproxy = environment.get("RAY_SERVE_ENABLE_HA_PROXY") == "1" and script in _SCRIPTS
    if settings.tls_cert and not with_haproxy:
        raise InvalidInput(
            "tls_cert is set, but HTTP would not be encrypted: HAProxy does that. Set "
            "RAY_SERVE_ENABLE_HA_PROXY=1 and RAY_SERVE_HAPROXY_BINARY_PATH to the "
            f"{_SCRIPTS[0]} of deployments where Ray starts, on every node."
        )
