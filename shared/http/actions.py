"""`allowed_actions`: what may be done with a resource now, and why not where it may not."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.events.wire import Utc, WireModel
from shared.http.problems import Problem, role_refusal


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
    return AllowedAction(
        action=action,
        allowed=refusal is None,
        reason_code=None if refusal is None else refusal.code,
        reason=None if refusal is None else str(refusal),
        until=until,
    )


def by_role(
    actions: Iterable[AllowedAction], needed: Mapping[str, Sequence[str]], held: Collection[str]
) -> list[AllowedAction]:
    """The same for a caller who holds these roles; `needed` says by action which ones do, any one of them.

    A role is asked for before the rule is, so what it refuses is refused for that reason, whatever the rule says.
    """
    return [
        action
        if (problem := role_refusal(needed[action.action], held)) is None
        else _refused(action, problem)
        for action in actions
    ]


def _refused(action: AllowedAction, problem: Problem) -> AllowedAction:
    return AllowedAction(
        action=action.action,
        allowed=False,
        reason_code=problem.code,
        reason=problem.detail,
        until=action.until,
    )
