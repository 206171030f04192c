"""What may be done with a license now, each by the very rule that the action runs."""

from collections.abc import Collection
from datetime import datetime

from services.licensing import roles
from services.licensing.domain import cancellation, quantity, reactivation, renewal, trial
from services.licensing.domain.license import License
from shared.http.actions import AllowedAction, allowed, by_role


def actions_of(
    license: License, *, assigned: int, now: datetime, held: Collection[str]
) -> list[AllowedAction]:
    """In the order of the contract, for a caller who holds these directory roles."""
    switch = renewal.refusal_to_switch(license)
    actions = [
        allowed("cancel", cancellation.refusal(license, now=now), until=license.cancellable_until),
        allowed("renew_off", switch),
        allowed("renew_on", switch),
        allowed("add_quantity", quantity.refusal(license, license.quantity + 1, assigned=assigned, now=now)),
        _reduce(license, assigned=assigned, now=now),
        allowed("schedule_change", renewal.refusal_to_schedule(license)),
        allowed("reactivate", reactivation.refusal(license), until=license.grace_ends_at),
        allowed(
            "extend_trial",
            trial.refusal_to_extend(license, now=now),
            until=license.term_end if license.is_trial else None,
        ),
        allowed(
            "convert",
            trial.refusal_to_convert(license),
            until=license.term_end if license.is_trial else None,
        ),
    ]
    return by_role(actions, roles.ACTIONS, held)


def _reduce(license: License, *, assigned: int, now: datetime) -> AllowedAction:
    if license.status == "active" and license.quantity == 1:
        return AllowedAction(
            action="reduce_quantity",
            allowed=False,
            reason_code="InvalidRequest",
            reason="A license is for one site at the least; cancel it instead.",
            until=None,
        )
    refusal = quantity.refusal(license, license.quantity - 1, assigned=assigned, now=now)
    windows = [batch.reducible_until for batch in license.open_batches(now)]
    return allowed(
        "reduce_quantity", refusal, until=max(windows) if windows and not license.auto_renew else None
    )
