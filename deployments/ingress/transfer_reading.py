"""From the body of a question about transfers to links, or their histories, and requests."""

from collections.abc import Sequence
from typing import Any

from pba.errors import PBAError
from pba.forecasting.transfer_request import TransferRequest
from pba.serving.transfers import TransferQuery, check_link_of
from pba.types import NetworkMode

from .body_decoding import Body, items_of, read_document
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
    documents = [_document_or_error(item) for item in items]
    histories = [
        ForecastRequest(one.history, mode=one.mode)
        for one in documents
        if isinstance(one, TransferBody) and one.history is not None
    ]
    queries = iter(queries_of(histories, as_of_newest))
    read: list[TransferQuery | PBAError] = []
    for one in documents:
        if isinstance(one, PBAError):
            read.append(one)
            continue
        link = one.link_id if one.history is None else next(queries)
        assert link is not None  # by `check_link_of`
        request = TransferRequest(one.bytes, one.deadline_s, one.dirty_mbps)
        read.append(
            link if isinstance(link, PBAError) else TransferQuery(link, request, as_of_newest)
        )
    return read


def _document_or_error(item: Any) -> TransferBody | PBAError:
    try:
        document = item if isinstance(item, TransferBody) else read_document(item, TransferBody)
        _check(document)
    except PBAError as error:
        # Thousands of errors would keep their frames, and what these refer to, until the answer.
        error.__traceback__ = error.__context__ = None
        return error
    return document


def _check(document: TransferBody) -> None:
    """Check what the document says of the link and of the transfer, but for the history."""
    mode = None if document.mode == "auto" else NetworkMode(document.mode)
    check_link_of(document.link_id, document.history is not None, mode)
    TransferRequest(document.bytes, document.deadline_s, document.dirty_mbps)
