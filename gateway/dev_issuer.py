"""A token for anybody who asks: the issuer for development, off unless its key is configured."""

from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import orjson
from joserfc import jwt
from joserfc.jwk import OKPKey
from pydantic import BaseModel, ConfigDict, Field

from shared.clock import wall_clock

ISSUER: Final = "https://development.siteward.invalid"
"""`iss` of its tokens, which no other issuer's key can sign."""
_ALGORITHM: Final = "Ed25519"

Word = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^\S+$")]


class TokenRequest(BaseModel):
    """Whom the token is to name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tenant_id: UUID
    principal: Annotated[str, Field(min_length=1, max_length=255)]
    roles: Annotated[list[Word], Field(max_length=50)] = []
    """Directory roles: GlobalAdministrator, BillingAdministrator, GlobalReader, LicenseAdministrator."""
    scopes: Annotated[list[Word], Field(max_length=50)] = []
    expires_in: Annotated[int, Field(ge=1, le=31 * 86_400)] = 3_600
    """Seconds."""


def read_key(path: Path) -> OKPKey:
    """The Ed25519 key pair in a JWK file; without a `kid` it is named by its thumbprint."""
    key = OKPKey.import_key(orjson.loads(path.read_bytes()))
    key.ensure_kid()
    return key


def issue(request: TokenRequest, key: OKPKey, *, audience: str) -> bytes:
    """The answer's body: a signed access token, and how long it lasts."""
    now = int(wall_clock().timestamp())
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "sub": request.principal,
        "tid": str(request.tenant_id),
        "roles": request.roles,
        "scopes": request.scopes,
        "iat": now,
        "nbf": now,
        "exp": now + request.expires_in,
    }
    token = jwt.encode({"alg": _ALGORITHM, "kid": key.kid}, claims, key, algorithms=[_ALGORITHM])
    return orjson.dumps({"access_token": token, "token_type": "Bearer", "expires_in": request.expires_in})
