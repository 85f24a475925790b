"""The settings of TLS, which HTTP and gRPC share."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings

from pba.errors import InvalidInput
from pba.project import resolve
from pba.security.client_certificates import ClientCertificates
from pba.security.identity import Identity
from pba.security.roles import Role
from pba.security.scopes import Scope

from .certificates import CertificateFiles

__all__ = ["ClientRights", "TlsSettings", "require_tls_of_haproxy", "tls_variables"]

_SECRET = re.compile(r"[A-Za-z0-9_-]{32,200}", re.ASCII)
_SCRIPTS = ("haproxy-with-errors.sh", "haproxy-with-parent.sh")


class ClientRights(BaseModel):
    """What a caller with a certificate may do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role = Field(description="The role, such as reporter.")
    links: list[str] = Field(["*"], description="Patterns of links, such as fra1:*.")

    @model_validator(mode="after")
    def _check_links(self) -> Self:
        Scope(tuple(self.links))
        return self


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

    proxy_secret_file: str = Field(
        "",
        description="A file with the secret by which routers know that HAProxy passes on the "
        "certificate of a caller; make serve makes one.",
    )

    tls_identities: dict[str, ClientRights] = Field(
        {},
        description="Callers by a name in their certificates, such as "
        '{"URI:spiffe://dwcp/fra1": {"role": "reporter", "links": ["fra1:*"]}}, '
        "or DNS:, email: or CN: before the name; needs tls_client_ca.",
    )

    @property
    def proxy_secret(self) -> str | None:
        """The secret in ``proxy_secret_file``, None without one; raises `InvalidInput`."""
        if not self.proxy_secret_file:
            return None
        path = Path(resolve(self.proxy_secret_file))
        try:
            secret = path.read_text().strip()
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read ({error.strerror}).") from None
        if not _SECRET.fullmatch(secret):
            raise InvalidInput(
                f"{path} has no secret of 32 to 200 of the characters A-Z a-z 0-9 _ and -. Write "
                "one, such as openssl rand -hex 32 prints."
            )
        return secret

    @property
    def client_certificates(self) -> ClientCertificates | None:
        """The callers known by certificates, None if none is listed."""
        if not self.tls_identities:
            return None
        return ClientCertificates(
            {
                name: Identity(f"cert:{name}", rights.role, Scope(tuple(rights.links)))
                for name, rights in self.tls_identities.items()
            }
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
        if self.tls_identities and not self.tls_client_ca:
            raise ValueError("tls_identities needs tls_client_ca, which verifies certificates")
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
        If HAProxy does not run, has other files from its environment, or has no secret to pass
        on certificates with.
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
    if settings.tls_identities and settings.proxy_secret is None:
        raise InvalidInput(
            "tls_identities is set, but routers would not know over HTTP whose certificate HAProxy "
            "has seen. Set PBA_PROXY_SECRET_FILE where Ray starts, on every node, to a file that "
            "has the same secret everywhere, such as openssl rand -hex 32 prints."
        )
