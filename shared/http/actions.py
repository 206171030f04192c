"""`allowed_actions`: what may be done with a resource now, and why not where it may not."""

from datetime import datetime
from typing import Protocol

from shared.events.wire import Utc, WireModel


class Refusal(Protocol):
    """An error of a service's own: its code is what trying the action would give."""

    @property
    def code(self) -> str: ...


class AllowedAction(WireModel):
    action: str
    allowed: bool
    reason_code: str | None
    reason: str | None
    until: Utc | None
    """When the window closes, or closed."""


def allowed(action: str, refusal: Refusal | None, *, until: datetime | None = None) -> AllowedAction:
    """From what the action's own rule says: None where it would go through."""
    # Nine of these are in every license that is shown, made of values that need no check.
    return AllowedAction.model_construct(
        action=action,
        allowed=refusal is None,
        reason_code=None if refusal is None else refusal.code,
        reason=None if refusal is None else str(refusal),
        until=until,
    )
