"""Routes of activation files for management consoles."""

from collections.abc import Iterable
from functools import partial
from typing import Final, Literal, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.access import activation_keys
from services.plans.commands.issue_console_file import issue_console_file
from services.plans.domain.console_file import ConsoleFile
from services.plans.domain.errors import ConsoleFileNotFound, NoPlan, SubscriptionNotFound
from services.plans.store import console_files, subscriptions
from shared.events.wire import Utc, WireModel
from shared.http.call import Call, Input, Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, Paging, answer_page
from shared.http.write import write

router = APIRouter(prefix="/v1/console-activation-files", tags=["Plans"], route_class=Direct)
_MOST: Final = 100


class ConsoleFileIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"subscription_ids": ["8f1c2f7e-6c39-4b1a-8a27-0c5d2d9a7e42"]}]}
    )

    subscription_ids: list[UUID] = Field(min_length=1, max_length=_MOST, strict=False)


class ConsoleFileOut(WireModel):
    id: UUID
    serial: int
    """Rises for ever, over all files of the tenant."""
    subscription_ids: list[UUID]
    devices: int
    """Licensed devices of the tenant, once, and the commitment of each legacy plan, as of `issued_at`."""
    issued_at: Utc
    status: Literal["issued", "superseded"]
    """`superseded` as soon as the figure is another one, or one of the plans has ended."""
    file: str | None
    """Null where the caller's role on one of the subscriptions does not suffice for downloading it; in a dry run."""

    @classmethod
    def of(cls, issued: ConsoleFile, *, with_file: bool) -> Self:
        return cls(
            id=issued.id,
            serial=issued.serial,
            subscription_ids=list(issued.subscription_ids),
            devices=issued.devices,
            issued_at=issued.issued_at,
            status="issued" if issued.superseded_at is None else "superseded",
            file=issued.file if with_file else None,
        )


@router.post(
    "",
    **documents(body=ConsoleFileIn, answer=ConsoleFileOut, status=201, errors=[SubscriptionNotFound, NoPlan]),
)
async def issue(request: Request) -> Response:
    """A file with the summed figures of the subscriptions, as they are now (B72)."""
    async with write(request) as call:
        now = await call.now()
        asked = await call.body(ConsoleFileIn, access=partial(_allow, call))
        keys = activation_keys(request)
        issued = await issue_console_file(
            call.session, asked.subscription_ids, keys, by=call.principal.id, now=now
        )
        headers = {"location": f"/v1/console-activation-files/{issued.id}"}
        call.answer(201, ConsoleFileOut.of(issued, with_file=True), version=issued.version, headers=headers)
    return call.response


@router.get("", **documents(answer=Page[ConsoleFileOut], query=Paging))
async def list_console_files(request: Request) -> Response:
    """The files of which the caller has a role on every subscription, in the order they were issued."""
    async with read(request) as call:
        asked = call.query(Paging)
        found = await console_files.page(
            call.session, seen_by=call.principal, after=asked.after_id(), most=asked.limit + 1
        )
        answer_page(call, asked, [_shown(one, held) for one, held in found], key=lambda item: str(item.id))
    return call.response


@router.get("/{file_id}", **documents(answer=ConsoleFileOut, errors=[ConsoleFileNotFound]))
async def get_console_file(request: Request) -> Response:
    """One file, and whether it is superseded."""
    async with read(request) as call:
        found, held = await console_files.get(call.session, _file_id(request), seen_by=call.principal)
        call.query(Query)
        call.answer(200, _shown(found, held), version=found.version)
    return call.response


def _shown(one: ConsoleFile, held: Iterable[str]) -> ConsoleFileOut:
    """`held`: the caller's roles on its subscriptions."""
    return ConsoleFileOut.of(one, with_file=all(role in roles.DOWNLOAD_CONSOLE_FILE for role in held))


async def _allow(call: Call, asked: ConsoleFileIn) -> None:
    """Raises SubscriptionNotFound, and Refused (403) where the caller's role does not suffice on all of them."""
    named = [
        await subscriptions.get(call.session, one, seen_by=call.principal) for one in asked.subscription_ids
    ]
    for subscription in named:
        call.allow(roles.DOWNLOAD_CONSOLE_FILE, held=subscription.roles)


def _file_id(request: Request) -> UUID:
    """What is no id names no file. Raises ConsoleFileNotFound."""
    given = request.path_params["file_id"]
    try:
        return UUID(given)
    except ValueError:
        raise ConsoleFileNotFound(given) from None
