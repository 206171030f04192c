"""What plans' routes take and answer (api.md sections 4 and 8)."""

from typing import Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.plans.domain.errors import PlansError
from services.plans.domain.holdings import Holdings
from services.plans.domain.ot_plan import TERMS_URL, TERMS_VERSION
from services.plans.domain.subscription import Role, Subscription
from shared.events.state import LicensedSites, PlanState, PricePlan, ServiceState
from shared.events.wire import Utc, WireModel
from shared.http.actions import AllowedAction
from shared.http.call import Input
from shared.http.pages import Paging


class SubscriptionIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"display_name": "Plant 7"}]})

    display_name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")


class SubscriptionOut(WireModel):
    id: UUID
    display_name: str
    state: Literal["registered"]
    roles: list[Role]
    """The caller's."""
    version: int

    @classmethod
    def of(cls, subscription: Subscription) -> Self:
        return cls(
            id=subscription.id,
            display_name=subscription.display_name,
            state="registered",
            roles=list(subscription.roles),
            version=subscription.version,
        )


class SubscriptionFilter(Paging):
    eligible_for: Literal["plan"] | None = None
    """`plan`: only those on which the caller may add one (B27)."""


class LicensedSitesOut(LicensedSites):
    used: int
    """Sites that have this size."""


class Terms(WireModel):
    version: str
    url: str


class Blocker(WireModel):
    code: str
    detail: str


class PreviewOut(WireModel):
    """The review pane: what the plan would be, and what stands against it."""

    price_plan: PricePlan | None
    licensed_sites: list[LicensedSitesOut]
    terms: Terms
    blockers: list[Blocker]

    @classmethod
    def of(cls, holdings: Holdings, blockers: list[PlansError]) -> Self:
        return cls(
            price_plan=holdings.price_plan,
            licensed_sites=[
                LicensedSitesOut(
                    site_size=size.site_size, max_devices=size.max_devices, quantity=size.quantity, used=0
                )
                for size in holdings.licensed_sites
            ],
            terms=Terms(version=TERMS_VERSION, url=TERMS_URL),
            blockers=[Blocker(code=reason.code, detail=str(reason)) for reason in blockers],
        )


class AddPlanIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"terms_accepted": True}]})

    terms_accepted: bool
    activation_file: Literal[False] = False
    """Console activation files are not issued by this release."""


class PlanOut(PlanState):
    """A plan, and what may be done with it now."""

    allowed_actions: list[AllowedAction]

    @classmethod
    def of(cls, state: PlanState) -> Self:
        return cls(**state.__dict__, allowed_actions=[])


class EntitlementsOut(WireModel):
    """What a subscription may do now."""

    subscription_id: UUID
    service_state: ServiceState
    price_plan: PricePlan
    licensed_sites: list[LicensedSites]
    sites: list[WireModel]
    as_of: Utc

    @classmethod
    def of(cls, state: PlanState) -> Self:
        return cls(
            subscription_id=state.subscription_id,
            service_state=state.service_state,
            price_plan=state.price_plan,
            licensed_sites=list(state.licensed_sites),
            sites=[],
            as_of=state.as_of,
        )
