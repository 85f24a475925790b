"""The rollout: flags, and how the arms compare."""

from fastapi import APIRouter, Request, Response

from pba.errors import InvalidRequest

from ..access_control import identity_of
from ..http import body_of, json_response, services_of
from ..openapi import describe_call
from ..parameters import Since
from ..report_models import FlagsResponse, RolloutResponse
from ..request_models import FlagsRequest
from ..request_reading import read_flags

__all__ = ["router"]

router = APIRouter(tags=["rollout"])


@router.get("/v1/flags", **describe_call("flags", FlagsResponse))
async def get_flags(request: Request) -> Response:
    """Return the flags, their version, and who changed them last."""
    services = services_of(request)
    return json_response((await services.plane.call_flags(services.stores.flags.flags)).as_dict())


@router.put(
    "/v1/flags",
    **describe_call("set_flags", FlagsResponse, FlagsRequest, statuses=(409, 503)),
)
async def put_flags(request: Request) -> Response:
    """Change flags, unless somebody else has changed them since the caller read them."""
    services, identity = services_of(request), identity_of(request.scope)
    change = read_flags(await body_of(request))
    state = await services.plane.call_flags(services.stores.flags.flags)
    if services.status.v1 is None and state.flags.changed(change.flags).wants_v1:
        raise InvalidRequest("v1 is not deployed; flags leave all links to v3.", "flags")
    author = identity.author(change.on_behalf_of or change.who)
    state = await services.plane.call_flags(
        services.stores.flags.change_flags, change.flags, change.version, author
    )
    await services.flags.refresh()
    return json_response(state.as_dict())


@router.get(
    "/v1/rollout",
    **describe_call("rollout", RolloutResponse, statuses=(422, 503)),
)
async def get_rollout(request: Request, since: Since = None) -> Response:
    """Compare v3 with v1 on the moments for which both have a forecast."""
    services = services_of(request)
    return json_response(await services.plane.read_store(services.store.compare, since))
