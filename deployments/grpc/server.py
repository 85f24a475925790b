"""The gRPC server of a router replica: `Predictor`, health and reflection on one address.

Not Ray's: its proxies and replicas bind their gRPC ports to every address, which PBA, having no
authentication of its own, must not be heard on.
"""

from collections.abc import Awaitable, Callable

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from ..settings import Settings
from . import pba_pb2, pba_pb2_grpc
from .health import Health
from .servicer import Core, Predictor

__all__ = ["SERVICE", "GrpcServer"]

SERVICE: str = pba_pb2.DESCRIPTOR.services_by_name["Predictor"].full_name

_GRACE_S = 5.0  # within the router's graceful_shutdown_timeout_s


class GrpcServer:
    """Answers from ``core`` on the address that ``settings`` names; to be made inside a loop.

    Replicas of one machine share the port, and the system deals connections out among them.

    Parameters
    ----------
    core
        Who answers.
    settings
        Address and limits.
    ready
        Whether calls would be answered by the models.

    Raises
    ------
    RuntimeError
        If the address is not to be had.
    """

    def __init__(
        self, core: Core, settings: Settings, ready: Callable[[], Awaitable[bool]]
    ) -> None:
        self._server = grpc.aio.server(options=_options(settings))
        predictor = Predictor(core, settings.max_items)
        pba_pb2_grpc.add_PredictorServicer_to_server(predictor, self._server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(Health(SERVICE, ready), self._server)
        names = (SERVICE, "grpc.health.v1.Health", reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        _listen(self._server, settings.grpc_host, settings.grpc_port)

    async def start(self) -> None:
        """Answer calls from now on."""
        await self._server.start()

    async def stop(self) -> None:
        """Take no more calls, and give those in hand some seconds to end."""
        await self._server.stop(_GRACE_S)


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", int(settings.max_body_mb * 1e6)),
        ("grpc.max_send_message_length", -1),
        # Clients connect anew now and then, or those of before would never meet a new replica.
        ("grpc.max_connection_age_ms", 300_000),
        ("grpc.max_connection_age_grace_ms", 60_000),
    ]


def _listen(server: grpc.aio.Server, host: str, port: int) -> None:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise RuntimeError(
            f"{address} is not to be had for gRPC. Stop what listens there, or set another "
            "grpc_host and grpc_port; port 0 means no gRPC."
        ) from error
