"""What HTTP answers, gRPC answers too: every pair of calls on the same services."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from deployments.grpc import pba_pb2 as pb
from deployments.ingress.wiring import grpc_server
from pba.registry import Registry
from pba.types import Event
from tests.deployments.grpc.both import Both
from tests.deployments.grpc.parity import LINK, PAIRS, ROWS
from tests.deployments.grpc.refusals import REFUSALS
from tests.regression.closeness import differences
from tests.support.in_process import InProcess, open_in_process
from tests.support.ports import own_port
from tests.toy import toy_artifact


async def fill(service: InProcess) -> None:
    """Store two links, scored forecasts, an event of each link and a published model."""
    late = {**ROWS[0], "timestamp": ROWS[0]["timestamp"] + 100, "during_transfer": True}
    for link_id in (LINK, "fra0:other"):
        for rows in ([*ROWS[:61]], [*ROWS[61:], late]):
            path = f"/v1/links/{link_id}/samples?forecast=true&as_of=newest"
            await service.client.post(path, json={"samples": rows})
        await service.settle()
        event = Event("note", ROWS[0]["timestamp"], link_id, {"text": None, "rates": [1, 2.5]})
        service.services.store.add_events([event])
    artifact = toy_artifact(service.folder / "new", "internet", "new-1")
    Registry(service.services.settings.registry, lambda: 1e9).publish(str(artifact), "anna")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    with own_port() as port:
        async with open_in_process(tmp_path, grpc_port=port) as opened:
            server = grpc_server(opened.services)
            await server.start()
            await fill(opened)
            yield opened
            await server.stop()


@pytest.fixture
async def both(service: InProcess) -> AsyncIterator[Both]:
    address = f"127.0.0.1:{service.services.settings.grpc_port}"
    async with grpc.aio.insecure_channel(address) as channel:
        yield Both(service.client, channel)


async def test_both_protocols_give_the_same_answers(service: InProcess, both: Both):
    for pair in PAIRS:
        await service.services.plane.drain()  # or a forecast might be recorded between both
        expected, answer = await both.answers(pair)
        assert "error" not in expected, pair.target
        assert differences(expected, answer, pair.target) == []


async def test_both_protocols_refuse_for_the_same_reasons(both: Both):
    for pair in REFUSALS:
        expected, answer = await both.answers(pair)
        # The numbers of a query are texts.
        expected["error"]["message"] = re.sub(
            r"is '(-?\d+)';", r"is \1;", expected["error"]["message"]
        )
        assert expected == answer, pair.target


async def test_times_out_of_range_are_named_as_the_proto_names_them(both: Both):
    message = pb.GetLinkHistoryRequest(link_id=LINK, from_s=-1)
    error = (await both.grpc("GetLinkHistory", message))["error"]
    assert error["field"] == "from_s"
    assert error["message"].startswith("from_s is -1.0; it lies between 1970 and 9999")


async def test_a_change_over_grpc_is_seen_over_http(both: Both):
    change = pb.SetFlagsRequest(
        flags=pb.Flags(v3_rollout_percentage=25), on_behalf_of="anna", reason="a quarter"
    )
    changed = await both.grpc("SetFlags", change, "flags")
    assert changed["flags"]["v3_rollout_percentage"] == 25
    assert differences(await both.http("GET", "/v1/flags"), changed) == []
    (event,) = (await both.http("GET", "/v1/events?kind=flags_changed"))["events"]
    assert event["body"]["reason"] == "a quarter"
    deleted = await both.grpc("DeleteLink", pb.DeleteLinkRequest(link_id=LINK))
    assert deleted == {"deleted": LINK}
    assert (await both.http("GET", f"/v1/links/{LINK}"))["error"]["code"] == "not_found"


async def test_a_retraining_that_is_started_over_grpc_is_an_event(both: Both):
    request = pb.RetrainModelRequest(mode="internet", reason="a new network")
    answer = await both.grpc("RetrainModel", request)
    (event,) = (await both.http("GET", "/v1/events?kind=retraining"))["events"]
    assert answer == {"model": "internet", "job": event["body"]["job"]}
    assert event["body"]["reason"] == "a new network"


async def test_a_model_is_promoted_and_rolled_back_over_grpc(both: Both):
    promotion = pb.PromoteModelRequest(
        mode="internet", version="new-1", expected_number=0, reason="better at night"
    )
    champion = await both.grpc("PromoteModel", promotion, "champion")
    assert (champion["version"], champion["action"]) == ("new-1", "promoted")
    assert champion["why"] == "better at night"
    assert (await both.http("GET", "/v1/models/internet/versions"))["champion"] == champion
    back = pb.RollBackModelRequest(mode="internet", expected_version="new-1", why="slow")
    champion = await both.grpc("RollBackModel", back, "champion")
    assert (champion["number"], champion["version"]) == (2, "shipped")
    assert (champion["action"], champion["why"]) == ("rolled_back", "slow")
    assert (await both.http("GET", "/v1/models/internet/versions"))["champion"] == champion
