"""Whether a service may start where others reach it: before Ray, which takes half a minute."""

from collections.abc import Iterable
from pathlib import Path

from pba.errors import InvalidInput, StoreUnavailable
from pba.project import resolve
from pba.security.key_file import read_keys

from .addresses import is_loopback
from .settings import Settings
from .store_factory import open_store

__all__ = ["access_warnings", "require_keys"]


def require_keys(hosts: Iterable[str], settings: Settings) -> None:
    """Check that a service on ``hosts`` knows its callers, if other machines reach one of them.

    A store that is away is no reason: routers answer nobody until they have read its keys.

    Raises
    ------
    InvalidInput
        If it has none, or the file of keys cannot be read.
    """
    if settings.keys_file:
        read_keys(Path(resolve(settings.keys_file)))
        return
    open_hosts = [host for host in hosts if not is_loopback(host)]
    knows = settings.insecure or settings.identifies_without_keys
    if open_hosts and not (knows or _may_have_keys(settings)):
        raise InvalidInput(
            f"other machines reach {open_hosts[0]}, and the service has no key, so that everybody "
            "could change it. Create one with pba keys create --role admin --name NAME --store URL,"
            " name an issuer of tokens, or set PBA_INSECURE=true to let everybody in."
        )


def access_warnings(hosts: Iterable[str], settings: Settings) -> list[str]:
    """Return what to warn of at the start."""
    closed = settings.keys_file or settings.identifies_without_keys
    if all(map(is_loopback, hosts)) or not settings.insecure or closed:
        return []
    return ["PBA_INSECURE is true: without a key, everybody who reaches the service may change it."]


def _may_have_keys(settings: Settings) -> bool:
    store = open_store(settings)
    try:
        return bool(store.keys.records())
    except StoreUnavailable:
        return True
    finally:
        store.close()
