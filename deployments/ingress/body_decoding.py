"""From a body to the documents of `request_models`: counts first, and the first fault ends it.

A body is JSON text as bytes, or what a handle call passes: the same shapes as Python objects.
msgspec decodes both. It stops at the first fault, while pydantic collects one per item: a body of
four million wrong items took it 40 s and 2 GB.
"""

from collections.abc import Mapping, Sized
from functools import cache
from typing import Any, TypeVar

import msgspec
import numpy as np
from msgspec import Raw, Struct, ValidationError
from pydantic_core import from_json

from pba.errors import TooLarge

from .form_errors import form_error, not_json
from .item_split import split_items, split_list

__all__ = ["Body", "check_count", "items_of", "read_document"]

Body = bytes | bytearray | Mapping[str, Any]
_Document = TypeVar("_Document")

_NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NO_PLAIN_VALUE = (TypeError, ValueError, OverflowError, RecursionError)
_WHOLE_BYTES = 4_000_000
"""The most that is decoded at once: about 15 ms."""

_SMALL_BYTES = 100_000
_BYTES_PER_COMMA = 16
"""A body with more commas than that may have very many items of a digit or an empty object."""


def read_document(
    body: Body | Raw, kind: type[_Document], counted: str | None = None, limit: int = 0
) -> _Document:
    """Return ``body`` as a document.

    Parameters
    ----------
    counted
        The name of a list of at most ``limit`` items. Too many are refused whatever they are.

    Raises
    ------
    NotJson, InvalidRequest, InvalidSample
        For the first fault of form, with the field in question.
    TooLarge
        For too many items.
    """
    if counted and isinstance(body, Mapping):
        _refuse_more(body, counted, limit)
    try:
        return _decoded(body, kind)
    except ValidationError as error:
        if counted:
            _refuse_more(body, counted, limit)
        raise form_error(error) from None
    except _NO_JSON as error:
        if counted:
            _refuse_more(body, counted, limit)
        return _lenient_document(body, kind, error)


def items_of(body: Body, name: str, kind: type[_Document], limit: int) -> list[_Document | Any]:
    """Return the items of the list ``name``, the only field of ``body``.

    They are documents of ``kind`` if all are faultless. Otherwise each is still to be read by
    `read_document`, so that the fault of one costs no other. So it is in very large bodies too:
    decoding one of them as a whole would hold the interpreter's lock for long.

    Raises
    ------
    NotJson, InvalidRequest
        If ``body`` is something else.
    TooLarge
        For more than ``limit`` items, before any of them is looked at.
    """
    if isinstance(body, bytes | bytearray) and len(body) > _WHOLE_BYTES:
        items = split_items(body, name, limit)
        if items is not None:
            if len(items) > limit:
                raise _too_large(name, f"over {limit}", limit)
            return list(items)
    document = _faultless(body, name, kind)
    if document is None:
        document = _separate_items(body, name, limit)
    (items,) = msgspec.structs.astuple(document)
    check_count(items, name, limit)
    return list(items)


def check_count(items: Sized, name: str, limit: int) -> None:
    """Refuse more than ``limit`` items; raises `TooLarge`."""
    if len(items) > limit:
        raise _too_large(name, str(len(items)), limit)


def _is_dense(body: bytes | bytearray) -> bool:
    """Return whether ``body`` may have far more items than it has room for requests.

    Their JSON texts alone would take thirty times the memory of the body.
    """
    if len(body) < _SMALL_BYTES:
        return False
    commas = np.count_nonzero(np.frombuffer(body, np.uint8) == ord(","))
    return bool(commas * _BYTES_PER_COMMA > len(body))


def _too_large(name: str, items: str, limit: int) -> TooLarge:
    return TooLarge(f"{name} has {items} items; one call carries at most {limit}. Split it.", name)


def _decoded(body: Body | Raw, kind: type[_Document]) -> _Document:
    if isinstance(body, bytes | bytearray | Raw):
        return msgspec.json.decode(body, type=kind)
    return _converted(body, kind)


def _lenient_document(body: Any, kind: type[_Document], error: Exception) -> _Document:
    """Return the document in a ``body`` that is no JSON because of NaN, or raise `NotJson`."""
    value = _lenient_json(bytes(body) if isinstance(body, Raw) else body, error)
    try:
        return msgspec.convert(value, kind)
    except ValidationError as fault:
        raise form_error(fault) from None


def _lenient_json(body: bytes | bytearray, error: Exception) -> Any:
    """Return the objects in ``body``, whose numbers may be NaN or infinite: json.dumps writes that.

    NaN is a value that was not measured, and infinity one out of range: each concerns its own
    sample only.
    """
    if b"NaN" in body or b"Infinity" in body:
        try:
            return from_json(body)
        except ValueError as cause:
            error = cause
    raise not_json(error) from None


def _converted(value: Any, kind: type[_Document]) -> _Document:
    """Return a document from Python objects, among them numbers and arrays of numpy, and times."""
    try:
        return msgspec.convert(value, kind)
    except ValidationError as error:
        try:
            plain = msgspec.to_builtins(value, builtin_types=_KEPT, enc_hook=_plain)
        except _NO_PLAIN_VALUE:
            raise error from None
        return msgspec.convert(plain, kind)


_KEPT = (bytes, bytearray, memoryview)  # else they would become text


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray) or hasattr(value, "__array__"):
        return np.asarray(value).tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _list_named(name: str, kind: Any) -> type[Struct]:
    """Return the type of an object with one list, ``name``, and no other field."""
    fields = [(name, list[kind])]
    return msgspec.defstruct("ListDocument", fields, forbid_unknown_fields=True)


@cache
def _field_named(name: str) -> type[Struct]:
    """Return the type of an object whose field ``name`` is left as JSON text."""
    return msgspec.defstruct("FieldDocument", [(name, Raw)])


def _faultless(body: Body, name: str, kind: type) -> Struct | None:
    """Return ``body`` with its items decoded, None if it is very large or has a fault."""
    if not isinstance(body, bytes | bytearray) or len(body) > _WHOLE_BYTES:
        return None
    try:
        return msgspec.json.decode(body, type=_list_named(name, kind))
    except _NO_JSON:
        return None


def _separate_items(body: Body, name: str, limit: int) -> Struct:
    """Return ``body`` with items that are to be read one by one."""
    if not isinstance(body, bytes | bytearray):
        return read_document(body, _list_named(name, Any))
    if _is_dense(body):
        _refuse_more(body, name, limit)
    try:
        return msgspec.json.decode(body, type=_list_named(name, Raw))
    except ValidationError as error:
        raise form_error(error) from None
    except _NO_JSON as error:
        return _lenient_document(body, _list_named(name, Any), error)


def _refuse_more(body: Body | Raw, name: str, limit: int) -> None:
    """Refuse a faulty ``body`` if its list ``name`` has more than ``limit`` items.

    Raises
    ------
    TooLarge
        Before any item is decoded.
    """
    items: Any = None
    if isinstance(body, bytes | bytearray):
        items = _items_of_json(body, name, limit)
    elif isinstance(body, Mapping):
        items = body.get(name)
    if isinstance(items, Sized) and not isinstance(items, str) and len(items) > limit:
        raise _too_large(name, f"over {limit}", limit)


def _items_of_json(body: bytes | bytearray, name: str, limit: int) -> list[Raw] | None:
    try:
        document = msgspec.json.decode(body, type=_field_named(name))
    except _NO_JSON:
        return split_items(body, name, limit)  # there may be NaN
    (text,) = msgspec.structs.astuple(document)
    return split_list(memoryview(text), limit)
