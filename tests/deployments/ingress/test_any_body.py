"""Whatever a body is, reading it ends with a result or a `PBAError` with a field."""

import json
import math
import os
from collections.abc import Callable
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import example, given, settings, strategies as st

from deployments.ingress import request_models
from deployments.ingress.examples import BODIES
from deployments.ingress.request_reading import (
    read_flags,
    read_link_ids,
    read_link_samples,
    read_promotion,
    read_queries,
    read_query,
    read_rollback,
    read_samples,
)
from deployments.ingress.transfer_reading import read_transfer, read_transfers
from pba.errors import NotJson, PBAError
from pba.forecasting import Query
from pba.types import COLUMNS

LIMIT = 5
EXAMPLES = int(os.environ.get("PBA_EXAMPLES", "100"))
"""How many bodies each property is tried on; more by hand."""

READERS: dict[str, Callable[[Any], Any]] = {
    "ForecastRequest": read_query,
    "BulkForecastRequest": lambda body: read_queries(body, LIMIT),
    "SamplesRequest": lambda body: read_link_samples(body, "a", LIMIT),
    "BulkSamplesRequest": lambda body: read_samples(body, LIMIT),
    "LinksRequest": lambda body: read_link_ids(body, LIMIT),
    "TransferBody": read_transfer,
    "BulkTransferBody": lambda body: read_transfers(body, LIMIT),
    "FlagsRequest": read_flags,
    "PromotionRequest": read_promotion,
    "RollbackRequest": read_rollback,
}

numbers = st.one_of(
    st.floats(), st.integers(), st.sampled_from([0, 1, -1, 5.0, 1e9, 1e400, 10**400, math.nan])
)
scalars = st.one_of(
    numbers,
    st.none(),
    st.booleans(),
    st.text(max_size=5),
    st.sampled_from(["2026-03-01T12:00:00Z", "auto", "fra1:ams2", "x" * 300, "1e3"]),
)
NAMES = [
    *("timestamp", *COLUMNS, "link_id", "mode", "allocation", "history", "samples", "requests"),
    *("bytes", "deadline_s", "dirty_mbps"),
    *("link_ids", "flags", "who", "why", "version", "expected", "quantile", "steps", "other"),
]
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=7), st.dictionaries(st.sampled_from(NAMES), inner, max_size=7)
    ),
    max_leaves=10,
)
sample = st.fixed_dictionaries(
    {"timestamp": scalars, "bandwidth_mbps": scalars},
    optional={name: scalars for name in (*COLUMNS[1:], "link_id", "other")},
)
columns = st.fixed_dictionaries(
    {name: st.lists(scalars, max_size=3) for name in ("timestamp", "bandwidth_mbps")},
    optional={name: st.lists(scalars, max_size=3) | scalars for name in (*COLUMNS[1:], "other")},
)
samples = st.one_of(st.lists(sample, max_size=7), columns)
request = st.fixed_dictionaries(
    {"history": samples},
    optional={"link_id": scalars, "mode": scalars, "allocation": anything, "other": anything},
)
transfer = st.fixed_dictionaries(
    {"bytes": scalars},
    optional={
        "history": samples,
        **{name: scalars for name in ("link_id", "mode", "deadline_s", "dirty_mbps", "other")},
    },
)
bodies = st.one_of(
    anything,
    request,
    transfer,
    st.fixed_dictionaries({"requests": st.lists(request | transfer | anything, max_size=7)}),
    st.fixed_dictionaries({"samples": samples}),
)


@given(bodies)
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_object_is_read_or_refused_with_a_field(body: Any):
    for reader in READERS.values():
        check(reader, json.dumps(body).encode(), isinstance(body, dict))
        if isinstance(body, dict):
            check(reader, body, is_object=True)


@given(st.binary(max_size=60))
@example(b'{"history": [{"timestamp": 1, "bandwidth_mbps": 5}]} x')
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes):
    for reader in READERS.values():
        check(reader, body, is_object=False)


def check(reader: Callable[[Any], Any], body: Any, is_object: bool) -> None:
    """Read ``body``; an error names a field if the body is an object."""
    result = outcome(reader, body)
    if isinstance(result, PBAError):
        assert len(result.message) < 500
        assert result.field or not is_object or isinstance(result, NotJson)
        return
    for item in result if isinstance(result, list) else []:
        assert not isinstance(item, PBAError) or item.field or "body" in item.message
        if isinstance(item, Query):
            assert (item.history.telemetry[:, 0] >= 0).all()


def outcome(reader: Callable[[Any], Any], body: Any) -> Any:
    try:
        return reader(body)
    except PBAError as error:
        return error


def schema(name: str) -> dict[str, Any]:
    return msgspec.json.schema(getattr(request_models, name))


@pytest.mark.parametrize("name", READERS)
def test_every_example_is_as_the_schema_says_and_is_read(name: str):
    jsonschema.validate(BODIES[name], schema(name))
    READERS[name](json.dumps(BODIES[name]).encode())


@given(bodies)
@settings(max_examples=EXAMPLES, deadline=None)
def test_what_is_read_is_as_the_schema_says(body: Any):
    """The other way round does not hold: the schema cannot say everything, such as the order."""
    text = json.dumps(body)
    for name, reader in READERS.items():
        result = outcome(reader, text.encode())
        items = result if isinstance(result, list) else [result]
        if not any(isinstance(item, PBAError) for item in items):
            jsonschema.validate(json.loads(text, parse_constant=lambda _: None), BARE[name])


def remove_limits(part: Any) -> Any:
    """Return a schema without ``minimum`` and ``maximum``."""
    if isinstance(part, list):
        return [remove_limits(item) for item in part]
    if not isinstance(part, dict):
        return part
    limits = ("minimum", "maximum")
    return {key: remove_limits(value) for key, value in part.items() if key not in limits}


BARE = {name: remove_limits(schema(name)) for name in READERS}
"""Without limits: values out of range are refused or ignored one by one."""


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("fault", ["other", "type", "required"])
def test_what_the_schema_forbids_is_refused(name: str, fault: str):
    body = json.loads(json.dumps(BODIES[name]))
    if fault == "other":
        body["other"] = 1
    elif fault == "type":
        body[next(iter(body))] = {"a": [True]}
    else:
        required = schema(name)["$defs"][name]["required"]
        if not required:
            return
        del body[required[0]]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, schema(name))
    with pytest.raises(PBAError):
        READERS[name](json.dumps(body).encode())
