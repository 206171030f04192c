"""Has every refusal of plans the status that the contract gives it, and none says too much?"""

from uuid import uuid4

from services.plans.api.problems import STATUSES, problem_of
from services.plans.domain.errors import PlansError, SubscriptionLinkedElsewhere


def test_every_refusal_has_a_status() -> None:
    assert {error.code for error in PlansError.__subclasses__()} == set(STATUSES)


def test_the_present_state_is_a_conflict_and_what_is_wrong_in_itself_bad_input() -> None:
    bad_input = {code for code, status in STATUSES.items() if status == 400}
    assert bad_input == {
        "AgreementRequired",
        "ActivationFileExpired",
        "ActivationFileRevoked",
        "ActivationFileSignatureInvalid",
        "ActivationFileSuperseded",
        "ActivationFileWrongSensor",
        "PricePlanNotATarget",
        "SiteSizeNotApplicable",
        "SitesNotEditableForPlan",
        "TermsNotAccepted",
    }
    absent = {code for code, status in STATUSES.items() if status == 404}
    assert all(code.endswith("NotFound") for code in absent)
    assert {status for code, status in STATUSES.items() if code not in absent | bad_input} == {409}


def test_of_another_tenant_s_subscription_nothing_is_said_but_that() -> None:
    named = uuid4()
    problem = problem_of(SubscriptionLinkedElsewhere(named))
    assert problem is not None
    assert problem.detail == f"Subscription {named} is linked to another tenant."
    assert problem.facts == {}


def test_an_error_of_somebody_else_is_not_judged() -> None:
    assert problem_of(ValueError("no")) is None
