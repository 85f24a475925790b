"""The gRPC server of a router replica: PBA's services, health and reflection on one address.

Not Ray's: its proxies and replicas bind their gRPC ports to every address, which a service without
keys must not do.
"""

from collections.abc import Awaitable, Callable, Sized

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from pba.serving.callers import Callers
from pba.serving.data_plane import DataPlane
from pba.serving.model_inference import ModelInference
from pba.serving.refusal_counter import RefusalCounter
from pba.serving.watches import Watches

from ..addresses import join_address
from ..settings import Settings
from ..tracing import OFF, Tracing
from . import inference_pb2_grpc, pba_pb2, pba_pb2_grpc
from .access_control import AccessControlInterceptor
from .call_traces import CallTraces
from .certificate_reload import server_credentials
from .health_updates import HealthUpdates
from .inference import INFERENCE, InferenceService
from .message_places import MessagePlaces
from .operations import OPERATIONS, AnswerOperation, operation_handlers
from .refused_calls import RefusedCalls
from .servicer import Predictor

__all__ = ["SERVICE", "GrpcServer"]

SERVICE: str = pba_pb2.DESCRIPTOR.services_by_name["Predictor"].full_name

_GRACE_S = 5.0  # within the router's graceful_shutdown_timeout_s
_LEAST_PING_MS = 2000


class GrpcServer:
    """Answers from ``plane`` on the address in ``settings``; create it inside an event loop.

    Replicas of one machine share the port, and the system distributes connections among them.

    Parameters
    ----------
    plane
        Answers the calls.
    watches
        Who watches links and events.
    settings
        Address and limits.
    callers
        Knows who calls.
    problems
        What keeps the service from being ready; empty if nothing does.
    refusals
        Count calls that are refused for who makes them.
    operations
        Makes the calls of operators.
    inference
        Runs the raw models.
    message_patience_s
        How long a message may take to arrive.
    tracing
        Traces calls.

    Raises
    ------
    RuntimeError
        If the address cannot be bound.
    InvalidInput
        If the files of TLS cannot be used.
    """

    def __init__(
        self,
        plane: DataPlane,
        watches: Watches,
        settings: Settings,
        callers: Callers,
        problems: Callable[[], Awaitable[Sized]],
        refusals: RefusalCounter,
        operations: AnswerOperation,
        inference: ModelInference,
        message_patience_s: float = 10.0,
        tracing: Tracing = OFF,
    ) -> None:
        refused = RefusedCalls(refusals, callers)
        places = int(settings.large_bodies_mb // _message_mb(settings))
        self._server = grpc.aio.server(
            options=_options(settings),
            interceptors=(
                *([CallTraces(tracing)] if tracing.is_on else []),
                AccessControlInterceptor(callers, refused, plane.limits),
                MessagePlaces(places, message_patience_s, settings.max_items),
            ),
        )
        services = (SERVICE, OPERATIONS, INFERENCE)
        self._health = HealthUpdates((health.OVERALL_HEALTH, *services), problems)
        predictor = Predictor(plane, watches, settings.max_items, refused, max(1, places))
        pba_pb2_grpc.add_PredictorServicer_to_server(predictor, self._server)  # type: ignore[no-untyped-call]
        self._server.add_generic_rpc_handlers((operation_handlers(operations, refused),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(  # type: ignore[no-untyped-call]
            InferenceService(plane, inference, problems), self._server
        )
        names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        _listen(self._server, settings)

    async def start(self) -> None:
        """Answer calls from now on."""
        await self._health.start()
        await self._server.start()

    async def stop(self) -> None:
        """Take no more calls, and give those in flight some seconds to end."""
        await self._health.stop()
        await self._server.stop(_GRACE_S)


def _message_mb(settings: Settings) -> float:
    return min(settings.max_body_mb, settings.grpc_message_mb)


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", int(_message_mb(settings) * 1e6)),
        ("grpc.max_send_message_length", -1),
        # A call that waits to be taken in ends at its own deadline, not cancelled after 30 s.
        ("grpc.server_max_unrequested_time_in_server", 3600),
        # Clients ask every few seconds whether a server that is silent is still there.
        ("grpc.http2.min_recv_ping_interval_without_data_ms", _LEAST_PING_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        # Clients reconnect now and then, or they would never reach a replica that is added later.
        ("grpc.max_connection_age_ms", 300_000),
        ("grpc.max_connection_age_grace_ms", 60_000),
    ]


def _listen(server: grpc.aio.Server, settings: Settings) -> None:
    address = join_address(settings.grpc_host, settings.grpc_port)
    files = settings.certificate_files
    try:
        if files is None:
            server.add_insecure_port(address)
        else:
            server.add_secure_port(address, server_credentials(files))
    except RuntimeError as error:
        raise RuntimeError(
            f"gRPC cannot listen at {address}. Stop what listens there, or set another grpc_host "
            "and grpc_port; port 0 means no gRPC."
        ) from error
