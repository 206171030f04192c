"""What plans' routes take and answer."""

from collections.abc import Mapping
from typing import Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.plans.api.console_files import ConsoleFileOut
from services.plans.domain.errors import PlansError
from services.plans.domain.holdings import Holdings
from services.plans.domain.ot_plan import TERMS_URL, TERMS_VERSION
from services.plans.domain.subscription import Role, Subscription
from shared.events.state import LicensedSites, PlanState, PricePlan
from shared.events.wire import WireModel
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
    def of(cls, holdings: Holdings, blockers: list[PlansError], *, used: Mapping[str, int]) -> Self:
        """`used` counts the tenant's sites by size."""
        return cls(
            price_plan=holdings.price_plan,
            licensed_sites=[
                LicensedSitesOut(
                    site_size=size.site_size,
                    max_devices=size.max_devices,
                    quantity=size.quantity,
                    used=used.get(size.site_size, 0),
                )
                for size in holdings.licensed_sites
            ],
            terms=Terms(version=TERMS_VERSION, url=TERMS_URL),
            blockers=[Blocker(code=reason.code, detail=str(reason)) for reason in blockers],
        )


class AddPlanIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"terms_accepted": True}]})

    terms_accepted: bool
    activation_file: bool = False
    """Whether an activation file for management consoles is wanted along with it (B33)."""


class PlanOut(PlanState):
    """A plan, and what may be done with it now."""

    allowed_actions: list[AllowedAction]

    @classmethod
    def of(cls, state: PlanState, actions: list[AllowedAction]) -> Self:
        return cls(**state.__dict__, allowed_actions=actions)


class AddedPlanOut(PlanOut):
    """A plan that was added, with what was asked for along with it."""

    activation_file: ConsoleFileOut | None = Field(default=None, exclude_if=lambda file: file is None)
    """For management consoles, where one was asked for (B33)."""
