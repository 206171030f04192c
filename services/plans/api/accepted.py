"""What comes with a 202: where to ask how it went, and when."""

from datetime import datetime
from math import ceil
from typing import Final
from uuid import UUID

_LONGEST_WAIT: Final = 600


def accepted(operation_id: UUID, *, effective_at: datetime, now: datetime) -> dict[str, str]:
    """The headers of an answer whose effect comes later; `Retry-After` in seconds of the tenant's clock."""
    wait = min(_LONGEST_WAIT, max(1, ceil((effective_at - now).total_seconds())))
    return {"operation-location": f"/v1/operations/{operation_id}", "retry-after": str(wait)}
