"""The public keys of activation files, for anybody."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans.api.access import activation_keys
from services.plans.signing import PUBLIC_KEYS_KEPT
from shared.http.documents import Direct

router = APIRouter(route_class=Direct, include_in_schema=False)


@router.get("/.well-known/siteward-keys")
async def published_keys(request: Request) -> Response:
    """A JWKS with all keys whose files may still be in use."""
    headers = {"cache-control": PUBLIC_KEYS_KEPT}
    return Response(
        activation_keys(request).published(), media_type="application/jwk-set+json", headers=headers
    )
