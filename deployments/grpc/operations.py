"""The service `pba.v1.Operations`: its methods are calls of HTTP, with their inputs and documents.

What a call does is written once, for both protocols. Here its message is read into parameters, and
its document is written as a message.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from pba.security.identity import Identity

from . import pba_pb2 as pb
from .access_control import METHODS, caller
from .call_status import complete
from .documents import message_of
from .message_parsing import refuse_unknown_fields
from .refused_calls import RefusedCalls
from .requests import mode_of

__all__ = ["OPERATIONS", "WHOLE", "AnswerOperation", "operation_handlers", "read_inputs"]

_SERVICE = pb.DESCRIPTOR.services_by_name["Operations"]
OPERATIONS: str = _SERVICE.full_name

WHOLE = {
    "GetFlags": "flags",
    "GetLink": "link",
    "PromoteModel": "champion",
    "RollBackModel": "champion",
    "SetFlags": "flags",
}
"""The responses of which one field is the whole document."""

_CHANGES = ("PromoteModel", "RetrainModel", "RollBackModel", "SetFlags")
"""The methods that have a body over HTTP: all fields but the mode, which is in the path."""

_Answer = TypeVar("_Answer")


class AnswerOperation(Protocol):
    """Anything that makes the calls of operators."""

    async def __call__(
        self,
        call: str,
        identity: Identity,
        inputs: Mapping[str, Any],
        write: Callable[[dict[str, Any]], _Answer],
        /,
    ) -> _Answer:
        """Return what ``write`` makes of the document of a call of `pba.security.calls.CALLS`."""


def operation_handlers(answer: AnswerOperation, refused: RefusedCalls) -> grpc.GenericRpcHandler:
    """Return the handlers of every method.

    Parameters
    ----------
    answer
        Makes the calls.
    refused
        Counts calls about links that a key is not for.
    """
    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            _handler(method, answer, refused),
            method.input_type._concrete_class.FromString,
            method.output_type._concrete_class.SerializeToString,
        )
        for method in _SERVICE.methods
    }
    return grpc.method_handlers_generic_handler(OPERATIONS, handlers)


def _handler(
    method: MethodDescriptor, answer: AnswerOperation, refused: RefusedCalls
) -> Callable[[Message, grpc.aio.ServicerContext], Awaitable[Message]]:
    kind, part = method.output_type._concrete_class, WHOLE.get(method.name)

    def write(document: dict[str, Any]) -> Message:
        message: Message = message_of(kind, document if part is None else {part: document})
        return message

    async def answered(request: Message) -> Message:
        inputs = read_inputs(method.name, request)
        call = METHODS[f"/{OPERATIONS}/{method.name}"]
        return await answer(call, caller(), inputs, write)

    async def handle(request: Message, context: grpc.aio.ServicerContext) -> Message:
        return await complete(refused.counted(answered(request), context), context)

    return handle


def read_inputs(method: str, request: Message) -> dict[str, Any]:
    """Return the parameters of a call by their names, in ``body`` those that HTTP has in a body.

    Raises
    ------
    InvalidRequest, InvalidMode
        For fields that the proto does not have, and modes.
    """
    refuse_unknown_fields(request)
    inputs = _fields(request)
    if method not in _CHANGES:
        return inputs
    path = {"mode": inputs.pop("mode")} if "mode" in inputs else {}
    return path | {"body": inputs}


def _fields(message: Message) -> dict[str, Any]:
    """Return the fields that are set, and those of which a default says the same."""
    values: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        if field.enum_type is not None:
            mode = mode_of(value)
            values |= {} if mode is None else {field.name: mode.value}
        elif field.is_repeated:
            values[field.name] = list(value)
        elif field.containing_oneof is not None and field.containing_oneof.name == "expected":
            values["expected"] = value
        else:
            values[field.name] = value if field.message_type is None else _fields(value)
    return values
