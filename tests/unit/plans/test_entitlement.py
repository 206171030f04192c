"""What may a site do, for each reason it can have?"""

from typing import Final
from uuid import UUID

import pytest

from services.plans.domain.entitlement import Code, Entitlement, entitlement
from services.plans.domain.site import Coverage

LICENSE: Final = UUID("01a9f9a1-5e80-7d14-8c3f-7b2e9a604d18")


@pytest.mark.parametrize(
    ("coverage", "devices", "code", "entitled"),
    [
        ("licensed", 0, "VALID", True),
        ("licensed", 1000, "VALID", True),
        # More devices than the size is for take nothing away (B6).
        ("licensed", 1001, "OVER_SIZE", True),
        ("grace", 10, "IN_GRACE", True),
        ("grace", 1001, "IN_GRACE", True),
        ("unlicensed", 1001, "UNLICENSED_SITE", False),
        ("stopped", 1001, "SERVICE_STOPPED", False),
    ],
)
def test_the_code_and_whether_it_is_entitled(
    coverage: Coverage,
    devices: int,
    code: Code,
    entitled: bool,  # noqa: FBT001 - of the parametrization
) -> None:
    found = entitlement(
        coverage, site_size="L", max_devices=1000, detected_devices=devices, license_id=LICENSE
    )
    assert (found.code, found.entitled) == (code, entitled)


def test_a_site_of_a_legacy_plan_has_no_size_that_it_could_be_over() -> None:
    found = entitlement("legacy", site_size=None, max_devices=None, detected_devices=10**6, license_id=None)
    assert (found.code, found.entitled) == ("VALID", True)


@pytest.mark.parametrize("code", ["NO_PLAN", "NOT_FOUND"])
def test_what_is_not_there_is_not_entitled(code: Code) -> None:
    assert not Entitlement(code).entitled
