"""What a site may do now, and why."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from services.plans.domain.site import Coverage

Code = Literal["VALID", "OVER_SIZE", "IN_GRACE", "UNLICENSED_SITE", "SERVICE_STOPPED", "NO_PLAN", "NOT_FOUND"]
_BY_COVERAGE: Final[dict[Coverage, Code]] = {
    "stopped": "SERVICE_STOPPED",
    "unlicensed": "UNLICENSED_SITE",
    "grace": "IN_GRACE",
}
_ENTITLED: Final = frozenset({"VALID", "OVER_SIZE", "IN_GRACE"})


@dataclass(frozen=True, slots=True)
class Entitlement:
    code: Code
    site_size: str | None = None
    max_devices: int | None = None
    detected_devices: int = 0
    license_id: UUID | None = None

    @property
    def entitled(self) -> bool:
        return self.code in _ENTITLED


def entitlement(
    coverage: Coverage,
    *,
    site_size: str | None,
    max_devices: int | None,
    detected_devices: int,
    license_id: UUID | None,
) -> Entitlement:
    """Of a site that is there; more devices than its size is for take nothing from it (B6)."""
    code = _BY_COVERAGE.get(coverage, "VALID")
    if code == "VALID" and max_devices is not None and detected_devices > max_devices:
        code = "OVER_SIZE"
    return Entitlement(code, site_size, max_devices, detected_devices, license_id)
