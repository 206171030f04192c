"""Has every refusal of plans the status that the contract gives it, and none says too much?"""

from uuid import uuid4

from services.plans.api.problems import STATUSES, problem_of
from services.plans.domain.errors import PlansError, SubscriptionLinkedElsewhere


def test_every_refusal_has_a_status() -> None:
    assert {error.code for error in PlansError.__subclasses__()} == set(STATUSES)


def test_the_present_state_is_a_conflict_the_terms_are_bad_input() -> None:
    assert STATUSES == {
        "SubscriptionNotFound": 404,
        "PlanNotFound": 404,
        "TermsNotAccepted": 400,
        "SubscriptionLinkedElsewhere": 409,
        "PlanAlreadyExists": 409,
        "NoActiveLicense": 409,
    }


def test_of_another_tenant_s_subscription_nothing_is_said_but_that() -> None:
    named = uuid4()
    problem = problem_of(SubscriptionLinkedElsewhere(named))
    assert problem is not None
    assert problem.detail == f"Subscription {named} is linked to another tenant."
    assert problem.facts == {}


def test_an_error_of_somebody_else_is_not_judged() -> None:
    assert problem_of(ValueError("no")) is None
