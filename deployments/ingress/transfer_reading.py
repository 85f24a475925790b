"""From the body of a question about transfers to links, or their histories, and requests."""

from collections.abc import Sequence
from typing import Any

from pba.errors import InvalidRequest, PBAError
from pba.forecasting.transfer_request import TransferRequest
from pba.serving.transfers import TransferQuery
from pba.types import check_link_id

from .body_decoding import Body, items_of, read_document
from .request_models import ForecastRequest, TransferBody
from .request_reading import queries_of

__all__ = ["read_transfer", "read_transfers"]


def read_transfer(body: Body) -> TransferQuery:
    """Return the question in ``body``.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidHistory, InvalidInput
        With the field in question.
    """
    (query,) = _read([body])
    if isinstance(query, PBAError):
        raise query
    return query


def read_transfers(body: Body, limit: int) -> list[TransferQuery | PBAError]:
    """Return the question of each request, or its error in its place.

    Raises
    ------
    InvalidRequest
        If the body as a whole is not ``{"requests": [...]}``.
    TooLarge
        For more than ``limit`` requests.
    """
    return _read(items_of(body, "requests", TransferBody, limit))


def _read(items: Sequence[Any]) -> list[TransferQuery | PBAError]:
    documents = [_document_or_error(item) for item in items]
    histories = [
        ForecastRequest(one.history, mode=one.mode)
        for one in documents
        if isinstance(one, TransferBody) and one.history is not None
    ]
    queries = iter(queries_of(histories))
    read: list[TransferQuery | PBAError] = []
    for one in documents:
        if isinstance(one, PBAError):
            read.append(one)
            continue
        link = one.link_id if one.history is None else next(queries)
        assert link is not None  # by `_check`
        request = TransferRequest(one.bytes, one.deadline_s, one.dirty_mbps)
        read.append(link if isinstance(link, PBAError) else TransferQuery(link, request))
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
    if (document.history is None) == (document.link_id is None):
        number = "neither" if document.history is None else "both"
        raise InvalidRequest(
            f"{number} of history and link_id is there; a transfer is over one link. Send the "
            "history, or the name under which the link has stored one.",
            "link_id",
        )
    if document.link_id is not None:
        check_link_id(document.link_id)
        if document.mode != "auto":
            raise InvalidRequest(
                f"mode is {document.mode} beside a link_id; a stored link has its mode. Leave "
                "mode out, or send the history.",
                "mode",
            )
    TransferRequest(document.bytes, document.deadline_s, document.dirty_mbps)
