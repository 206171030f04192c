"""What a rule makes of a license: its next state, what happened, and what it costs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.licensing.domain.license import License
from services.licensing.domain.line import Line

Happening = Literal[
    "purchased",
    "cancelled",
    "renewed",
    "quantity_changed",
    "auto_renew_changed",
    "change_scheduled",
    "expiring",
    "expired",
    "disabled",
    "deleted",
    "reactivated",
    "trial_started",
    "trial_extended",
    "trial_converted",
    "month_charged",
]
"""Each is an event, but `month_charged`, which changes nothing that an event would tell."""


@dataclass(frozen=True, slots=True)
class Change:
    license: License
    """As it is afterwards."""
    happened: Happening
    at: datetime
    """When, aware UTC: for what time does by itself its due time."""
    lines: tuple[Line, ...] = ()
