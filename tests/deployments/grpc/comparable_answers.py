"""The answers of HTTP and gRPC in one form, to compare them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

__all__ = ["as_document", "comparable"]

_TIMES = ("timestamp", "after", "at", "last_sample", "made_at", "mode_since", "changed_at", "since")
_TIMES += ("newest_sample_at", "valid_until", "from", "to")
_VARYING = ("made_at_s",)


def comparable(value: Any, with_times: bool = True) -> Any:
    """Return a JSON document with times as gRPC has them, without what is empty or varies.

    The body of an event has any keys, and none of them is a time.
    """
    if isinstance(value, list):
        return [comparable(item, with_times) for item in value]
    if not isinstance(value, Mapping):
        return value
    document = {}
    for key, item in value.items():
        if with_times and key in _TIMES and isinstance(item, str):
            key, item = f"{key}_s", datetime.fromisoformat(item).timestamp()
        key = {"said": "prediction", "block_s": "block_length_s"}.get(key, key)
        part = comparable(item, with_times and key != "body")
        if part not in (None, [], {}) and key not in _VARYING:
            document[key] = part
    return document


def as_document(message: Message) -> dict[str, Any]:
    """Return a message as the JSON document that says the same, by the field names of the proto."""
    document = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            of = field.message_type.fields_by_name["value"]
            document[field.name] = {str(key): _value(of, value[key]) for key in value}
        elif field.is_repeated:
            document[field.name] = _list(field, value)
        else:
            document[field.name] = _value(field, value)
    return {key: value for key, value in document.items() if value is not None}


def _list(field: Any, values: Any) -> Any:
    """Return the items of a list; quantiles, as in JSON, by their levels."""
    items = [_value(field, value) for value in values]
    if not field.message_type or "level" not in field.message_type.fields_by_name:
        return items
    (name,) = set(field.message_type.fields_by_name) - {"level"}
    return {str(item["level"]): item[name] for item in items if name in item} if items else None


def _value(field: Any, value: Any) -> Any:
    if field.enum_type:
        name = field.enum_type.values_by_number[value].name.removeprefix("MODE_").lower()
        return None if name == "unspecified" else name
    if not field.message_type:
        return value
    if field.message_type.full_name == "google.protobuf.Struct":
        return comparable(MessageToDict(value), with_times=False)
    if field.message_type.full_name in ("pba.v1.Rates", "pba.v1.VersionNames"):
        (values,) = as_document(value).values()  # JSON has the list alone
        return values
    return as_document(value)
