"""Models: what serves, what is published, promotion and rollback."""

from fastapi import APIRouter, Request, Response

from ..access_control import identity_of
from ..http import body_of, json_response, services_of
from ..openapi import describe_call
from ..parameters import ModelName
from ..report_models import ModelsResponse, PointerResponse, VersionsResponse
from ..request_models import PromotionRequest, RollbackRequest
from ..request_reading import read_promotion, read_rollback

__all__ = ["router"]

router = APIRouter(tags=["models"])


@router.get("/v1/models", **describe_call("models", ModelsResponse))
async def get_models(request: Request) -> Response:
    """Return what serves each mode, and v1, which may be asleep."""
    return json_response({"models": await services_of(request).status.models()})


@router.get(
    "/v1/models/{mode}/versions",
    **describe_call("model_versions", VersionsResponse, statuses=(404, 422, 503)),
)
async def get_versions(request: Request, mode: ModelName) -> Response:
    """Return the published versions of a model, its champion and its former champions."""
    return json_response(await services_of(request).catalog.versions(mode))


@router.post(
    "/v1/models/{mode}/promote",
    **describe_call("promote", PointerResponse, PromotionRequest, statuses=(404, 409, 503)),
)
async def post_promote(request: Request, mode: ModelName) -> Response:
    """Verify a version and make it the champion; every replica serves it within seconds."""
    catalog, identity = services_of(request).catalog, identity_of(request.scope)
    change = read_promotion(await body_of(request))
    author = identity.author(change.on_behalf_of or change.who)
    pointer = await catalog.promote(mode, change.version, author, change.why, change.expected)
    return json_response(pointer)


@router.post(
    "/v1/models/{mode}/rollback",
    **describe_call("roll_back", PointerResponse, RollbackRequest, statuses=(404, 409, 503)),
)
async def post_rollback(request: Request, mode: ModelName) -> Response:
    """Make the previous champion the champion again."""
    catalog, identity = services_of(request).catalog, identity_of(request.scope)
    change = read_rollback(await body_of(request))
    author = identity.author(change.on_behalf_of or change.who)
    return json_response(await catalog.rollback(mode, author, change.why, change.expected))
