"""Everything that a service on one machine needs to be closed: certificates, Ray's too, and a key.

They are for trying it: whoever reads the folder can pass for the service. `docs/security.md` says
what a service that others use has in their place.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pba.private_files import create_private_folder
from pba.security import EVERYTHING, Role, new_key
from pba.security.key_file import read_keys, write_keys

from .local_authority import Issued, LocalAuthority

__all__ = ["SecureProfile"]

_HOSTS = ("127.0.0.1", "::1", "localhost")
_NAME = "admin"


@dataclass(frozen=True, slots=True)
class SecureProfile:
    """The files in a folder of this user alone, and the key where it is new.

    ``caller`` is for a service that needs certificates of its callers, ``ray`` is of an authority
    of its own, so that no caller's certificate counts among Ray's processes.
    """

    ca: Path
    service: Issued
    caller: Issued
    ray_ca: Path
    ray: Issued
    keys: Path
    new_key: str | None

    @classmethod
    def prepare(
        cls, folder: Path, hosts: Sequence[str], clock: Callable[[], float]
    ) -> "SecureProfile":
        """Make in ``folder`` what is not there yet, and new certificates.

        Parameters
        ----------
        hosts
            Names or addresses by which callers reach the service, beside those of this machine.
        clock
            Returns the current Unix time in seconds.

        Raises
        ------
        InvalidInput
            If the file of keys is there and cannot be read.
        OSError
            If the folder cannot be written.
        """
        folder = folder.absolute()
        create_private_folder(folder)
        authority = LocalAuthority.open(folder)
        ray = LocalAuthority.open(folder / "ray")
        keys = folder / "keys.json"
        return cls(
            authority.ca,
            authority.issue("service", list(dict.fromkeys([*_HOSTS, *hosts]))),
            authority.issue("caller"),
            ray.ca,
            ray.issue("node", _HOSTS),
            keys,
            None if keys.exists() and read_keys(keys) else _create_key(keys, clock()),
        )

    @property
    def settings(self) -> dict[str, str]:
        """The variables of the service's settings."""
        return {
            "PBA_TLS_CERT": str(self.service.cert),
            "PBA_TLS_KEY": str(self.service.key),
            "PBA_KEYS_FILE": str(self.keys),
        }

    @property
    def ray_variables(self) -> dict[str, str]:
        """The variables by which Ray's processes encrypt what they send each other."""
        return {
            "RAY_USE_TLS": "1",
            "RAY_TLS_SERVER_CERT": str(self.ray.cert),
            "RAY_TLS_SERVER_KEY": str(self.ray.key),
            "RAY_TLS_CA_CERT": str(self.ray_ca),
        }

    def key_lines(self, pba: str) -> list[str]:
        """Return what to say of the key, ``pba`` being the command."""
        if self.new_key:
            return [
                "The admin's key, which is not shown again:",
                f"  export PBA_API_KEY={self.new_key}",
            ]
        file = shlex.quote(str(self.keys))
        return [
            "The admin's key was shown at the first start. In its place:",
            f"  {pba} keys rotate {_NAME} --overlap 0m --file {file}",
        ]

    def curl_options(self, with_certificate: bool) -> str:
        """Return what curl needs to call the service, with the caller's certificate at will."""
        own = f" --cert {_word(self.caller.cert)} --key {_word(self.caller.key)}"
        key = ' -H "Authorization: Bearer $PBA_API_KEY"'
        return f" --cacert {_word(self.ca)}{own if with_certificate else ''}{key}"

    def pba_options(self, with_certificate: bool) -> str:
        """Return what the command needs to call the service; it reads the key by itself."""
        own = f" --cert {_word(self.caller.cert)} --key {_word(self.caller.key)}"
        return f" --ca {_word(self.ca)}{own if with_certificate else ''}"


def _create_key(path: Path, now_s: float) -> str:
    record, key = new_key(_NAME, Role.ADMIN, now_s, EVERYTHING)
    write_keys(path, [record])
    return key


def _word(path: Path) -> str:
    """Return ``path`` as a shell reads it, from here where it lies below."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
