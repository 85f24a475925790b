"""Every key of a document has a field in its message, and what JSON says the message says."""

import math
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from deployments.grpc import pba_pb2 as pb
from deployments.grpc.access_control import METHODS
from deployments.grpc.documents import field_of, message_of
from deployments.grpc.operations import WHOLE
from deployments.ingress.openapi import call_of
from pba.rollout import Flags
from tests.deployments.ingress.described import ROUTES

ROUTE_OF = {call_of(route): route for route in ROUTES.values()}
OPERATIONS = list(pb.DESCRIPTOR.services_by_name["Operations"].methods)
_WITHOUT_UNIT = ("from", "since", "step", "to")
"""Times in queries, which have the unit in their names over gRPC."""


@pytest.mark.parametrize("method", OPERATIONS, ids=[method.name for method in OPERATIONS])
def test_every_key_and_every_parameter_has_a_field(method: Any):
    route = ROUTE_OF[METHODS[f"/pba.v1.Operations/{method.name}"]]
    message = method.output_type
    if part := WHOLE.get(method.name):
        message = message.fields_by_name[part].message_type
    assert list(lacking(route.response_model, message)) == []
    parameters = [*route.dependant.path_params, *route.dependant.query_params]
    names = {f"{one.alias}_s" if one.alias in _WITHOUT_UNIT else one.alias for one in parameters}
    assert names <= set(method.input_type.fields_by_name)


def lacking(model: type[BaseModel], message: Any) -> Iterator[str]:
    """Yield the keys of ``model`` that ``message`` has no field for, at any depth."""
    for name, described in model.model_fields.items():
        field = field_of(message, described.alias or name)
        if field is None:
            yield f"{message.name}: {name}"
        elif (part := _model_in(described.annotation)) is not None:
            kind = field.message_type
            if kind.GetOptions().map_entry:
                kind = kind.fields_by_name["value"].message_type
            yield from lacking(part, kind)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model in an annotation such as ``list[Model]`` or ``Model | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    parts = map(_model_in, get_args(annotation))
    return next((part for part in parts if part is not None), None)


def test_a_key_without_a_field_is_noticed():
    class Other(BaseModel):
        deleted: str
        at: float

    assert list(lacking(Other, pb.DeleteLinkResponse.DESCRIPTOR)) == ["DeleteLinkResponse: at"]


def test_the_flags_of_the_proto_are_those_of_the_service():
    assert list(pb.Flags.DESCRIPTOR.fields_by_name) == list(Flags().as_dict())


def test_what_is_null_or_no_number_in_json_is_not_set():
    document = {"links": 3, "overall": {"scored": 0, "accuracy_20": None, "bias_mbps": math.nan}}
    message = message_of(pb.GetMetricsResponse, document)
    assert message.links == 3
    assert message.overall == pb.Metrics()
    assert message.HasField("overall")


def test_what_lists_lack_is_nan_and_what_free_parts_lack_is_null():
    prediction = message_of(pb.Prediction, {"points_mbps": [1.5, None], "members": {"a": [None]}})
    assert prediction.points_mbps[0] == 1.5
    assert math.isnan(prediction.points_mbps[1])
    assert math.isnan(prediction.members["a"].mbps[0])
    event = message_of(pb.Event, {"body": {"rate": math.nan, "text": "x", "list": [1, None]}})
    assert dict(event.body) == {"rate": None, "text": "x", "list": event.body["list"]}
    assert list(event.body["list"]) == [1, None]


def test_times_are_unix_seconds_and_modes_numbers():
    link = message_of(
        pb.Link, {"mode": "hybrid", "mode_since": None, "last_sample": "2026-03-01T12:00:00.25Z"}
    )
    assert (link.mode, link.last_sample_s) == (pb.MODE_HYBRID, 1_772_366_400.25)
    assert not link.HasField("mode_since_s")
