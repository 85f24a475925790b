"""The keys as one process knows them, and what a caller is who sends one, or none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from pba.errors import AuthenticationNotConfigured, KeysUnavailable, PBAError, Unauthenticated
from pba.security.identity import ANYBODY, Identity
from pba.security.keys import KeyRecord, KeyText, parse_key

__all__ = ["KeyRing", "StoredKeys"]

_SCHEME = "bearer "
_LONGEST = 200  # of a header that can be a key


class _Entry(NamedTuple):
    record: KeyRecord
    identity: Identity


_Entries = Mapping[str, _Entry]


class StoredKeys(NamedTuple):
    """The keys of the store, and when they were read."""

    records: tuple[KeyRecord, ...]
    read_s: float


@dataclass(frozen=True, slots=True)
class KeyRing:
    """What is known of the keys in a file and in the store.

    Parameters
    ----------
    opens
        Whether all is open while there are no keys: the service is reached on loopback alone, or
        the operator insists.
    stale_s
        How long keys of the store count after they were read.
    needs_file
        Whether there is a file of keys, read or not.
    closed
        Whether callers have to say who they are although there is no key: by a token of an issuer,
        or a certificate.
    file
        The keys in the file, by id.
    store
        Those of the store, by id; None while they have never been read.
    read_s
        When those of the store were read, Unix seconds.
    """

    opens: bool
    stale_s: float
    needs_file: bool = False
    closed: bool = False
    file: _Entries | None = None
    store: _Entries | None = None
    read_s: float = 0.0

    def with_file(self, records: Iterable[KeyRecord]) -> Self:
        """Return the ring with other keys of the file."""
        return replace(self, file=_by_id(records))

    def with_store(self, keys: StoredKeys, changed: bool = True) -> Self:
        """Return the ring with other keys of the store, or only the time at which they are read."""
        store = _by_id(keys.records) if changed else self.store
        return replace(self, store=store, read_s=keys.read_s)

    def refusal(self, now_s: float) -> PBAError | None:
        """Return why no call at all can be answered, None if some can."""
        if self.file or self.store:
            return None
        if self.needs_file and self.file is None:
            return KeysUnavailable(
                "the file of keys that PBA_KEYS_FILE names cannot be read, so no caller can be "
                "known. Correct the file; a restart is not needed."
            )
        if not self._is_fresh(now_s):
            return self._unknown()
        if self.opens or self.needs_file or self.closed:
            return None
        return AuthenticationNotConfigured(
            "this service is reached on an address that others reach too, and has no keys. Create "
            "one with pba keys create --role admin --name NAME, or set PBA_INSECURE=true to let "
            "everybody in."
        )

    def lets_everybody_in(self, now_s: float) -> bool:
        """Return whether callers need no key."""
        closed = self.file or self.store or self.needs_file or self.closed
        return not closed and self.refusal(now_s) is None

    def identify(self, authorization: str | None, now_s: float) -> Identity:
        """Return who sends the header ``authorization``, None without one.

        Raises
        ------
        Unauthenticated
            Without a valid key, where keys are needed.
        KeysUnavailable
            While nobody can know whether the key is valid.
        AuthenticationNotConfigured
            As `refusal`.
        """
        if refusal := self.refusal(now_s):
            raise refusal
        if self.lets_everybody_in(now_s):
            return ANYBODY
        if authorization is None:
            raise Unauthenticated("the call has no key. Send one as Authorization: Bearer KEY.")
        return self._holder(authorization, now_s)

    def known_id(self, authorization: str | None) -> str | None:
        """Return the id of the key in the header, None for none that there is or was.

        Its secret may be wrong: this says which key is tried.
        """
        key = _parsed(authorization or "")
        if key is None or not any(key.key_id in (keys or ()) for keys in (self.file, self.store)):
            return None
        return key.key_id

    def _holder(self, authorization: str, now_s: float) -> Identity:
        key = _parsed(authorization)
        entry = None if key is None else self._entry(key.key_id, now_s)
        if key is not None and entry is not None and entry.record.matches(key.secret):
            if entry.record.is_valid(now_s):
                return entry.identity
            raise Unauthenticated(
                f"the key {key.key_id} has expired or is revoked. Ask for another; pba keys rotate "
                "makes one like it."
            )
        if entry is None and not self._is_fresh(now_s):
            raise self._unknown()
        raise Unauthenticated(
            "the key is not valid here. Send Authorization: Bearer KEY with a key of this service, "
            "whole: pba_, its id, its secret."
        )

    def _entry(self, key_id: str, now_s: float) -> _Entry | None:
        if self.file and (entry := self.file.get(key_id)):
            return entry
        return self.store.get(key_id) if self.store and self._is_fresh(now_s) else None

    def _is_fresh(self, now_s: float) -> bool:
        return self.store is not None and now_s - self.read_s <= self.stale_s

    def _unknown(self) -> KeysUnavailable:
        age = "never been read here" if self.store is None else f"been away for {self.stale_s:g} s"
        return KeysUnavailable(
            f"the keys in the store have {age}, so no caller can be known. Mend the store, see "
            "/readyz; a restart is not needed."
        )


def _parsed(authorization: str) -> KeyText | None:
    scheme, text = authorization[: len(_SCHEME)], authorization[len(_SCHEME) : _LONGEST]
    return parse_key(text) if scheme.lower() == _SCHEME else None


def _by_id(records: Iterable[KeyRecord]) -> _Entries:
    return {record.key_id: _Entry(record, Identity.of(record)) for record in records}
