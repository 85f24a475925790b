"""Models: what serves, what is published, promotion and rollback."""

from fastapi import APIRouter, Request, Response

from ..access_control import identity_of
from ..http import body_of, json_response, operations_of
from ..model_responses import ModelsResponse, PointerResponse, RetrainingResponse, VersionsResponse
from ..openapi import describe_call
from ..parameters import ModelName
from ..request_models import PromotionRequest, RetrainRequest, RollbackRequest

__all__ = ["router"]

router = APIRouter(tags=["models"])


@router.get("/v1/models", **describe_call("models", ModelsResponse))
async def get_models(request: Request) -> Response:
    """Return what serves each mode, and v1, which may be asleep."""
    return await operations_of(request).models(identity_of(request.scope), json_response)


@router.get(
    "/v1/models/{mode}/versions",
    **describe_call("model_versions", VersionsResponse, statuses=(404, 422, 503)),
)
async def get_versions(request: Request, mode: ModelName) -> Response:
    """Return the published versions of a model, its champion and its former champions."""
    identity = identity_of(request.scope)
    return await operations_of(request).model_versions(identity, json_response, mode)


@router.post(
    "/v1/models/{mode}/promote",
    **describe_call("promote", PointerResponse, PromotionRequest, statuses=(404, 409, 503)),
)
async def post_promote(request: Request, mode: ModelName) -> Response:
    """Verify a version and make it the champion; every replica serves it within seconds."""
    identity, body = identity_of(request.scope), await body_of(request)
    return await operations_of(request).promote(identity, json_response, mode, body)


@router.post(
    "/v1/models/{mode}/rollback",
    **describe_call("roll_back", PointerResponse, RollbackRequest, statuses=(404, 409, 503)),
)
async def post_rollback(request: Request, mode: ModelName) -> Response:
    """Make the previous champion the champion again."""
    identity, body = identity_of(request.scope), await body_of(request)
    return await operations_of(request).roll_back(identity, json_response, mode, body)


@router.post(
    "/v1/models/{mode}/retrain",
    **describe_call("retrain", RetrainingResponse, RetrainRequest, statuses=(404, 409, 503)),
)
async def post_retrain(request: Request, mode: ModelName) -> Response:
    """Train the champion further with what links have reported; a gate decides about it."""
    identity, body = identity_of(request.scope), await body_of(request)
    return await operations_of(request).retrain(identity, json_response, mode, body)
