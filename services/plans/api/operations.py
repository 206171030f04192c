"""Routes of operations: how a change goes on that takes effect later."""

from typing import Literal, Self
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans.domain.errors import OperationNotFound
from services.plans.store import operations
from services.plans.store.operations import Operation
from shared.events.wire import Utc, WireModel
from shared.http.call import Query, read
from shared.http.documents import Direct, documents

router = APIRouter(prefix="/v1/operations", tags=["Plans"], route_class=Direct)


class OperationOut(WireModel):
    id: UUID
    kind: str
    status: Literal["not_started", "running", "succeeded", "failed", "cancelled"]
    created_at: Utc
    effective_at: Utc | None
    finished_at: Utc | None
    resource: str
    """The path of what it changes."""
    error: None

    @classmethod
    def of(cls, operation: Operation) -> Self:
        return cls(
            id=operation.id,
            kind=operation.kind,
            status=operation.status,
            created_at=operation.created_at,
            effective_at=operation.effective_at,
            finished_at=operation.finished_at,
            resource=operation.resource,
            error=None,
        )


@router.get("/{operation_id}", **documents(answer=OperationOut, errors=[OperationNotFound]))
async def get_operation(request: Request) -> Response:
    """Whether a confirmed change has taken effect; for whoever has a role on its subscription."""
    async with read(request) as call:
        found = await operations.get(call.session, _id(request), seen_by=call.principal)
        call.query(Query)
        call.answer(200, OperationOut.of(found), version=1 + (found.finished_at is not None))
    return call.response


def _id(request: Request) -> UUID:
    """What is no id names no operation. Raises OperationNotFound."""
    given = request.path_params["operation_id"]
    try:
        return UUID(given)
    except ValueError:
        raise OperationNotFound(given) from None
