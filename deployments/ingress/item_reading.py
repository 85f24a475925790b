"""The items of a bulk call, read each for itself: the fault of one costs no other."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from pba.errors import PBAError

from .body_decoding import read_document

__all__ = ["each_or_error", "in_place", "read_item"]

_Document = TypeVar("_Document")
_Read = TypeVar("_Read")
_Result = TypeVar("_Result")


def read_item(item: Any, kind: type[_Document]) -> _Document:
    """Return an item of `items_of` as a document of ``kind``, which faultless ones are already.

    Raises
    ------
    NotJson, InvalidRequest, InvalidSample
        For the first fault of form, with the field in question.
    """
    return item if isinstance(item, kind) else read_document(item, kind)


def each_or_error(items: Sequence[Any], read: Callable[[Any], _Read]) -> list[_Read | PBAError]:
    """Return what ``read`` makes of each item, or the error that it raises."""
    return [_or_error(item, read) for item in items]


def in_place(
    items: Sequence[_Read | PBAError], results: Iterable[_Result | PBAError]
) -> list[_Result | PBAError]:
    """Return ``results``, one for each of ``items`` that is no error, in its place."""
    rest = iter(results)
    return [item if isinstance(item, PBAError) else next(rest) for item in items]


def _or_error(item: Any, read: Callable[[Any], _Read]) -> _Read | PBAError:
    try:
        return read(item)
    except PBAError as error:
        # Thousands of errors would keep their frames, and what these refer to, until the answer.
        error.__traceback__ = error.__context__ = None
        return error
