"""The route by which operators take over existing customers' legacy plans."""

from typing import Final, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from starlette.requests import Request
from starlette.responses import Response

from services.plans.commands.import_legacy import ImportRefused, LegacyPlan, import_legacy
from services.plans.domain.legacy_plan import DEVICES_STEP
from shared.events.wire import UtcInput, WireModel
from shared.http import problems
from shared.http.call import Input
from shared.http.documents import Direct, documents
from shared.http.problems import Refused
from shared.http.write import write

router = APIRouter(prefix="/v1/legacy-plans", tags=["Plans"], route_class=Direct)
OPERATOR: Final = ("siteward.operator",)
"""The scope that operators of the installation carry."""
_MOST: Final = 1_000


class LegacyPlanIn(Input):
    tenant_id: UUID = Field(strict=False)
    subscription_id: UUID = Field(strict=False)
    display_name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    owner: str = Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")
    """The principal that becomes the subscription's Owner."""
    price_plan: Literal["trial", "monthly", "annual"]
    committed_devices: int = Field(ge=DEVICES_STEP, le=100_000_000, multiple_of=DEVICES_STEP)
    sites: int | None = Field(default=None, ge=1, le=1_000_000)
    """Of an annual plan only."""
    started_at: UtcInput
    enterprise_iot: bool = False

    @field_validator("sites")
    @classmethod
    def _of_an_annual_plan(cls, sites: int | None, known: ValidationInfo) -> int | None:
        if sites is not None and known.data.get("price_plan") != "annual":
            raise ValueError("only an annual plan has a number of sites")
        return sites


class LegacyImportIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "plans": [
                        {
                            "tenant_id": "5b0e5f9c-7f4e-4b0c-9d55-3a1f0d4f6a11",
                            "subscription_id": "8f1c2f7e-6c39-4b1a-8a27-0c5d2d9a7e42",
                            "display_name": "Plant 7",
                            "owner": "ada@example.com",
                            "price_plan": "monthly",
                            "committed_devices": 1500,
                            "started_at": "2023-01-15T00:00:00Z",
                        }
                    ]
                }
            ]
        }
    )

    plans: list[LegacyPlanIn] = Field(min_length=1, max_length=_MOST)

    @property
    def tenants(self) -> list[UUID]:
        """Each once, in the order in which everybody locks them."""
        return sorted({one.tenant_id for one in self.plans})

    def rows(self) -> list[LegacyPlan]:
        return [
            LegacyPlan(**{name: getattr(one, name) for name in LegacyPlanIn.model_fields})
            for one in self.plans
        ]


class LegacyImportOut(WireModel):
    imported: int


@router.post("/import", **documents(body=LegacyImportIn, answer=LegacyImportOut, status=201))
async def import_plans(request: Request) -> Response:
    """Take over legacy plans of any tenants, all or none; charged from the import on (B51)."""
    async with write(request) as call:
        call.allow(OPERATOR, held=call.principal.scopes)
        asked = await call.body(LegacyImportIn)
        call.session.widen(asked.tenants)
        clocks = {tenant: await call.now_of(tenant) for tenant in asked.tenants}
        try:
            await import_legacy(call.session, asked.rows(), by=call.principal.id, clocks=clocks)
        except ImportRefused as refused:
            errors = [{"pointer": pointer, "detail": detail} for pointer, detail in refused.errors]
            raise Refused(problems.invalid_request(errors)) from refused
        call.answer(201, LegacyImportOut(imported=len(asked.plans)))
    return call.response
