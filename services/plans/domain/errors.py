"""What plans refuses; each with the facts of its case. `api/problems.py` says how it looks to a caller."""

from typing import ClassVar


class PlansError(Exception):
    """`code` is part of the contract: callers decide by it."""

    code: ClassVar[str]


class SubscriptionNotFound(PlansError):
    """Also where there is one that the caller has no role on (B27)."""

    code = "SubscriptionNotFound"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(
            f"There is no subscription {subscription_id} that you have a role on. Check the account you are "
            "signed in with, and ask an Owner of the subscription for a role."
        )


class SubscriptionLinkedElsewhere(PlansError):
    code = "SubscriptionLinkedElsewhere"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(f"Subscription {subscription_id} is linked to another tenant.")


class PlanNotFound(PlansError):
    code = "PlanNotFound"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(f"Subscription {subscription_id} has no OT plan.")


class PlanAlreadyExists(PlansError):
    code = "PlanAlreadyExists"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(f"Subscription {subscription_id} has an OT plan already.")


class NoActiveLicense(PlansError):
    code = "NoActiveLicense"

    def __init__(self) -> None:
        super().__init__("The tenant has no active site license. Buy one first: POST /v1/licenses.")


class TermsNotAccepted(PlansError):
    code = "TermsNotAccepted"

    def __init__(self, terms_url: str) -> None:
        super().__init__(f"Read the terms at {terms_url} and send terms_accepted: true.")
