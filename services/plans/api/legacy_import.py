"""The route by which operators take over existing customers' legacy plans."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WrapValidator,
    field_validator,
)
from starlette.requests import Request
from starlette.responses import Response

from services.plans.commands.import_legacy import (
    ImportRefused,
    LegacyPlan,
    Unfit,
    import_legacy,
    tenants_of,
)
from services.plans.domain.legacy_plan import DEVICES_STEP
from shared.events.wire import UtcInput, WireModel
from shared.http import problems
from shared.http.call import Input
from shared.http.documents import Direct, documents
from shared.http.faults import errors_of
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


class SentImport(Input):
    """The same as it comes in: each row is read by itself, so that what is wrong with one hides no other."""

    plans: list[Any] = Field(min_length=1, max_length=_MOST)

    @field_validator("plans")
    @classmethod
    def _of_json(cls, plans: list[Any]) -> list[Any]:
        json.dumps(plans, allow_nan=False)  # pydantic would let NaN and Infinity pass as JSON
        return plans

    def rows(self) -> list[LegacyPlan | Unfit]:
        return [_row(sent) for sent in self.plans]


def _or_none(sent: object, read: Callable[[object], object]) -> object:
    try:
        return read(sent)
    except ValueError:
        return None


class _Readable(BaseModel):
    """What more than the form of a row is judged by; null where it cannot be read."""

    tenant_id: Annotated[UUID | None, WrapValidator(_or_none)] = None
    subscription_id: Annotated[UUID | None, WrapValidator(_or_none)] = None
    started_at: Annotated[UtcInput | None, WrapValidator(_or_none)] = None


def _row(sent: object) -> LegacyPlan | Unfit:
    try:
        read = LegacyPlanIn.model_validate(sent)
    except ValidationError as error:
        of_it = _Readable.model_validate(sent if isinstance(sent, dict) else {})
        faults = [(one["pointer"], one["detail"]) for one in errors_of(error)]
        return Unfit(of_it.tenant_id, of_it.subscription_id, of_it.started_at, faults)
    return LegacyPlan(**{name: getattr(read, name) for name in LegacyPlanIn.model_fields})


class LegacyImportOut(WireModel):
    imported: int


@router.post("/import", **documents(body=LegacyImportIn, answer=LegacyImportOut, status=201))
async def import_plans(request: Request) -> Response:
    """Take over legacy plans of any tenants, all or none; charged from the import on (B51)."""
    async with write(request) as call:
        call.allow(OPERATOR, held=call.principal.scopes)
        rows = (await call.body(SentImport)).rows()
        tenants = tenants_of(rows)
        call.session.widen(tenants)
        clocks = {tenant: await call.now_of(tenant) for tenant in tenants}
        try:
            await import_legacy(call.session, rows, by=call.principal.id, clocks=clocks)
        except ImportRefused as refused:
            errors = [{"pointer": pointer, "detail": detail} for pointer, detail in refused.errors]
            raise Refused(problems.invalid_request(errors)) from refused
        call.answer(201, LegacyImportOut(imported=len(rows)))
    return call.response
