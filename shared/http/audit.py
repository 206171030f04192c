"""How a chain of the audit is shown: its events page by page, and whether it is still as it was sealed."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from shared.db import audit_trail
from shared.db.database import Record
from shared.events.wire import Utc, UtcInput, WireModel, in_utc, utc_text
from shared.http.call import Call
from shared.http.pages import Paging, answer_page, not_a_cursor


class AuditFilter(Paging):
    resource: str | None = None
    """Such as `license/{id}`."""
    actor: str | None = None
    from_: UtcInput | None = Field(default=None, alias="from")
    to: UtcInput | None = None
    """Events in [from, to)."""

    def after_event(self) -> tuple[datetime, UUID] | None:
        """Where the page starts; None for the first one. Raises Refused (422)."""
        key = self.after()
        if key is None:
            return None
        at, _, event_id = key.partition(" ")
        try:
            return in_utc(datetime.fromisoformat(at)), UUID(event_id)
        except ValueError as error:
            raise not_a_cursor() from error


class AuditEventOut(WireModel):
    """One change. `sequence` and both hashes are null until it is sealed, which takes moments."""

    id: UUID
    at: Utc
    """For what time did, when it was due."""
    actor: str
    action: str
    resource: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    request_id: str | None
    sequence: int | None
    """Its place in the chain, from 1 on."""
    previous_hash: str | None
    hash: str | None
    """Hex SHA-256 of the RFC 8785 form of all the other fields."""

    @classmethod
    def of(cls, row: Record) -> Self:
        return cls(**{name: row[name] for name in cls.model_fields})


class VerificationOut(WireModel):
    valid: bool
    """Whether every sealed event is there, and as it was sealed."""
    sealed: int
    unsealed: int
    """Events that are not in the chain yet."""
    first_broken_sequence: int | None


async def answer_events(call: Call, chain: UUID) -> None:
    """Answer with a page of the chain. Raises Refused (422)."""
    asked = call.query(AuditFilter)
    rows = await audit_trail.page(
        call.session,
        chain,
        after=asked.after_event(),
        most=asked.limit + 1,
        resource=asked.resource,
        actor=asked.actor,
        from_=asked.from_,
        to=asked.to,
    )
    places = {row["id"]: f"{utc_text(row['place'])} {row['id']}" for row in rows}
    answer_page(call, asked, [AuditEventOut.of(row) for row in rows], key=lambda item: places[item.id])


async def answer_verification(call: Call, chain: UUID) -> None:
    """Answer with what walking all of the chain has found."""
    found = await audit_trail.verify(call.session, chain)
    call.answer(
        200,
        VerificationOut(
            valid=found.first_broken is None,
            sealed=found.sealed,
            unsealed=found.unsealed,
            first_broken_sequence=found.first_broken,
        ),
        version=found.sealed,
    )
