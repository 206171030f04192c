"""Which licenses does a caller learn of that the end of a plan does not end (B39)?"""

import pytest

from services.plans.domain.holdings import Held
from services.plans.domain.plan_cancellation import licenses_kept, what_is_kept
from tests.unit.plans.given import held

SITES = held("L", license_name="sites")
TRIAL = held("L", status="trial", license_name="trial")
EXPIRED = held("L", status="expired", license_name="expired")
UNUSED = held("L", status="expired", license_name="unused")
DEVICES = held(None, license_name="devices")
EXPIRED_DEVICES = held(None, status="expired", license_name="expired devices")
LIVING = [SITES, TRIAL, EXPIRED, UNUSED, DEVICES, EXPIRED_DEVICES]


@pytest.mark.parametrize(
    ("enterprise_iot", "kept"),
    [
        (False, [SITES, TRIAL, EXPIRED]),
        (True, [SITES, TRIAL, EXPIRED, DEVICES, EXPIRED_DEVICES]),
    ],
)
def test_those_that_the_plan_may_seem_to_end_are_named(*, enterprise_iot: bool, kept: list[Held]) -> None:
    covering = {SITES.license_id, EXPIRED.license_id, None}
    assert licenses_kept(LIVING, covering=covering, enterprise_iot=enterprise_iot) == kept


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ([SITES], "1 license goes on and is charged; cancel it at /v1/licenses."),
        ([SITES, DEVICES], "2 licenses go on and are charged; cancel them at /v1/licenses."),
        ([EXPIRED], "1 expired license stays in its grace: /v1/licenses?status=expired."),
        (
            [SITES, EXPIRED, EXPIRED_DEVICES],
            (
                "1 license goes on and is charged; cancel it at /v1/licenses. "
                "2 expired licenses stay in their grace: /v1/licenses?status=expired."
            ),
        ),
    ],
)
def test_it_is_said_what_becomes_of_them(kept: list[Held], said: str) -> None:
    assert what_is_kept(kept) == said
