"""What does renaming make of a subscription?"""

from services.plans.domain.subscription import Subscription
from tests.unit.plans.given import SUBSCRIPTION_ID, TENANT_ID

PLANT = Subscription(SUBSCRIPTION_ID, TENANT_ID, "Plant 7", ("Owner",), version=1)


def test_another_name_is_another_version() -> None:
    renamed = PLANT.renamed("Plant 8")
    assert (renamed.display_name, renamed.version) == ("Plant 8", 2)
    assert renamed.roles == PLANT.roles


def test_the_name_it_has_already_changes_nothing() -> None:
    assert PLANT.renamed("Plant 7") is PLANT


def test_a_name_is_taken_to_the_letter() -> None:
    assert PLANT.renamed("plant 7").version == 2
