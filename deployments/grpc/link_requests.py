"""Requests about stored links and about transfers in, domain objects out."""

from pba.errors import InvalidInput, InvalidRequest, PBAError
from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.transfer_request import TransferRequest
from pba.serving.transfers import TransferQuery, check_link_of, check_record
from pba.types import check_link_id

from . import pba_pb2 as pb
from .message_parsing import refuse_unknown_fields
from .requests import check_count, mode_of, query_of, read_advice

__all__ = ["read_link_id", "read_link_ids", "read_transfer", "read_transfers"]


def read_link_id(request: pb.LinkForecastRequest) -> tuple[str, AllocationRequest | None]:
    """Return the link in ``request``, and the advice requested.

    Raises
    ------
    InvalidRequest, InvalidInput
        With the field in question.
    """
    refuse_unknown_fields(request)
    return check_link_id(request.link_id), read_advice(request)


def read_link_ids(
    request: pb.LinkForecastsRequest, limit: int
) -> tuple[list[str], AllocationRequest | None]:
    """Return the links in ``request``, which are checked each for itself, and the advice requested.

    Raises
    ------
    InvalidRequest, InvalidInput
        With the field in question.
    TooLarge
        For more than ``limit`` links.
    """
    check_count(request.link_ids, limit, "link_ids")
    refuse_unknown_fields(request)
    return list(request.link_ids), read_advice(request)


def read_transfer(request: pb.TransferRequest) -> TransferQuery:
    """Return the question in ``request``.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidHistory, InvalidMode, InvalidInput
        With the field in question.
    """
    refuse_unknown_fields(request)
    return _transfer(request)


def read_transfers(request: pb.TransfersRequest, limit: int) -> list[TransferQuery | PBAError]:
    """Return the question of each request, or its error in its place.

    Raises
    ------
    InvalidRequest
        For fields that the proto does not have, anywhere.
    TooLarge
        For more than ``limit`` requests.
    """
    check_count(request.requests, limit, "requests")
    refuse_unknown_fields(request)
    return [_transfer_or_error(item) for item in request.requests]


def _transfer_or_error(request: pb.TransferRequest) -> TransferQuery | PBAError:
    try:
        return _transfer(request)
    except InvalidInput as error:
        return error


def _transfer(request: pb.TransferRequest) -> TransferQuery:
    link_id = request.link_id if request.HasField("link_id") else None
    has_history = bool(request.history) or request.HasField("columns")
    check_link_of(link_id, has_history, mode_of(request.mode))
    if not request.HasField("bytes"):
        raise InvalidRequest("bytes is missing and is required. Add it.", "bytes")
    transfer = TransferRequest(
        request.bytes,
        request.deadline_s if request.HasField("deadline_s") else None,
        request.dirty_mbps if request.HasField("dirty_mbps") else None,
    )
    record = request.record if request.HasField("record") else None
    check_record(record, link_id, transfer)
    link = query_of(request) if link_id is None else link_id
    return TransferQuery(link, transfer, request.as_of_newest, record)
