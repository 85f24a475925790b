"""From the body of a question about transfers to links, or their histories, and requests."""

from collections.abc import Sequence
from typing import Any

from pba.errors import PBAError
from pba.forecasting.transfer_request import TransferRequest
from pba.serving.transfers import TransferQuery, check_link_of, check_record
from pba.types import NetworkMode

from .body_decoding import Body, items_of
from .item_reading import each_or_error, in_place, read_item
from .request_models import ForecastRequest, TransferBody
from .request_reading import queries_of

__all__ = ["read_transfer", "read_transfers"]


def read_transfer(body: Body, as_of_newest: bool = False) -> TransferQuery:
    """Return the question in ``body``; ``as_of_newest`` is as in `pba.forecasting.Query`.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidHistory, InvalidInput
        With the field in question.
    """
    (query,) = _read([body], as_of_newest)
    if isinstance(query, PBAError):
        raise query
    return query


def read_transfers(
    body: Body, limit: int, as_of_newest: bool = False
) -> list[TransferQuery | PBAError]:
    """Return the question of each request, or its error in its place; the rest as `read_transfer`.

    Raises
    ------
    InvalidRequest
        If the body as a whole is not ``{"requests": [...]}``.
    TooLarge
        For more than ``limit`` requests.
    """
    return _read(items_of(body, "requests", TransferBody, limit), as_of_newest)


def _read(items: Sequence[Any], as_of_newest: bool) -> list[TransferQuery | PBAError]:
    documents = each_or_error(items, _document)
    valid = [one for one in documents if isinstance(one, TransferBody)]
    histories = [
        ForecastRequest(one.history, mode=one.mode) for one in valid if one.history is not None
    ]
    queries = iter(queries_of(histories, as_of_newest))
    read: list[TransferQuery | PBAError] = []
    for one in valid:
        link = one.link_id if one.history is None else next(queries)
        assert link is not None  # by `check_link_of`
        request = TransferRequest(one.bytes, one.deadline_s, one.dirty_mbps)
        read.append(
            link
            if isinstance(link, PBAError)
            else TransferQuery(link, request, as_of_newest, one.record)
        )
    return in_place(documents, read)


def _document(item: Any) -> TransferBody:
    document = read_item(item, TransferBody)
    _check(document)
    return document


def _check(document: TransferBody) -> None:
    """Check what the document says of the link and of the transfer, but for the history."""
    mode = None if document.mode == "auto" else NetworkMode(document.mode)
    check_link_of(document.link_id, document.history is not None, mode)
    request = TransferRequest(document.bytes, document.deadline_s, document.dirty_mbps)
    check_record(document.record, document.link_id, request)
