"""Documents, as HTTP sends them in JSON, in; messages of `proto/pba.proto` with their fields out.

Fields are named as in JSON, except times: text ``at`` in JSON is ``at_s`` in Unix seconds. What is
null in JSON is not set. A key without a field is left out; tests hold that none is described.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite, nan
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from pydantic_core import to_jsonable_python

from . import pba_pb2 as pb

__all__ = ["field_of", "message_of"]

_RENAMED = {"said": "prediction", "block_s": "block_length_s"}
_Message = TypeVar("_Message", bound=Message)


def message_of(kind: type[_Message], document: Mapping[str, Any]) -> _Message:
    """Return ``document`` as a message of ``kind``."""
    message: _Message = kind()
    _fill(message, document)
    return message


def field_of(message: Descriptor, key: str) -> FieldDescriptor | None:
    """Return the field that has what a document has under ``key``, None if there is none.

    >>> field_of(pb.PastForecast.DESCRIPTOR, "after").name
    'after_s'
    """
    fields = message.fields_by_name
    return fields.get(key) or fields.get(f"{key}_s") or fields.get(_RENAMED.get(key, ""))


def _fill(message: Message, document: Mapping[str, Any]) -> None:
    for key, value in document.items():
        field = field_of(message.DESCRIPTOR, key)
        if field is not None and value is not None:
            _set(message, field, value)


def _set(message: Message, field: FieldDescriptor, value: Any) -> None:
    if field.message_type is None:
        if field.is_repeated:
            getattr(message, field.name).extend(nan if one is None else one for one in value)
        elif not _is_missing(value):
            setattr(message, field.name, _scalar(field, value))
    elif field.message_type.GetOptions().map_entry:
        _fill_map(getattr(message, field.name), field.message_type, value)
    elif field.is_repeated:
        rows = getattr(message, field.name)
        for one in value:
            _fill_part(rows.add(), one)
    else:
        part = getattr(message, field.name)
        part.SetInParent()
        _fill_part(part, value)


def _fill_map(items: Any, entry: Any, value: Mapping[Any, Any]) -> None:
    key, of = entry.fields_by_name["key"], entry.fields_by_name["value"]
    read = str if key.type == FieldDescriptor.TYPE_STRING else int
    for name, one in value.items():
        if of.message_type is None:
            items[read(name)] = one
        else:
            _fill_part(items[read(name)], one)


def _fill_part(message: Message, value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Fill a message from an object, or one of a single field from the list that this is."""
    if isinstance(message, Struct):
        message.update(to_jsonable_python(value, inf_nan_mode="null"))  # type: ignore[no-untyped-call, unused-ignore]
    elif isinstance(value, Mapping):
        _fill(message, value)
    else:
        (field,) = message.DESCRIPTOR.fields
        _set(message, field, value)


def _scalar(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        return pb.Mode.Value(f"MODE_{value.upper()}")
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        is_time = isinstance(value, str)
        return datetime.fromisoformat(value).timestamp() if is_time else float(value)
    return value


def _is_missing(value: Any) -> bool:
    """Return whether a number is none, which JSON writes as null."""
    return isinstance(value, float) and not isfinite(value)
