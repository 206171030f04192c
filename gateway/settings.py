"""What the gateway is told from outside: its services, whom it believes, how much a caller may ask."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from shared.settings import Settings


class GatewaySettings(Settings):
    """Settings of the gateway, each read from `SITEWARD_<FIELD>`."""

    licensing_url: str = "http://127.0.0.1:18081"
    plans_url: str = "http://127.0.0.1:18082"

    internal_signing_key: Path
    """File with the private Ed25519 JWK that signs the tokens by which the services know the gateway."""

    issuer: str | None = None
    """`iss` of the OIDC issuer whose tokens are believed."""
    jwks_url: str | None = None
    """Where that issuer publishes its keys."""
    audience: str = "siteward"
    dev_issuer_key: Path | None = None
    """File with a private Ed25519 JWK. Set, it turns the development issuer on: anybody gets any token."""

    rate_limit_window: int = Field(default=60, ge=1, le=86_400)
    """Seconds for which the limits below count."""
    rate_limit_per_token: int = Field(default=60_000, ge=0)
    """Requests with one token in a window; 0 is no limit."""
    rate_limit_per_tenant: int = Field(default=120_000, ge=0)
    """Requests of one tenant in a window; 0 is no limit."""
    rate_limit_per_address: int = Field(default=6_000, ge=0)
    """Requests without a valid token from one address in a window; 0 is no limit."""

    upstream_patience: float = Field(default=5.0, ge=0, le=60)
    """Seconds for which a request waits for a service that refuses connections, as one restarting does."""
    upstream_timeout: float = Field(default=30.0, gt=0, le=600)
    """Seconds after which a service that keeps silent is given up."""

    @model_validator(mode="after")
    def _somebody_is_believed(self) -> Self:
        if (self.issuer is None) != (self.jwks_url is None):
            raise ValueError("SITEWARD_ISSUER and SITEWARD_JWKS_URL are set together or not at all")
        if self.issuer is None and self.dev_issuer_key is None:
            raise ValueError(
                "nobody could call: set SITEWARD_ISSUER and SITEWARD_JWKS_URL, or SITEWARD_DEV_ISSUER_KEY"
            )
        return self
