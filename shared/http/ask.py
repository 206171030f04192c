"""A request that reads what its body asks for, because it asks for more than fits into a query.

It changes nothing, so nothing of it is kept: a repetition under one Idempotency-Key is answered anew.
"""

from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from shared.http.call import Query, Read
from shared.http.write import BODY_LIMIT, as_json, keyed_by, parse, receive, within

_Model = TypeVar("_Model", bound=BaseModel)


class Ask(Read):
    """A request that only reads, and has a body."""

    async def body(self, model: type[_Model]) -> _Model:
        """The body, once the caller's access has been checked. Raises Refused: 413, 415, 400 or 422."""
        raw = as_json(self.request, within(BODY_LIMIT, await receive(self.request, BODY_LIMIT)))
        keyed_by(self.request, raw)  # has to be a key, though nothing is kept under it
        self.query(Query)
        return parse(raw, model)


def ask(request: Request) -> Ask:
    """Answer a request from one view of the data, in which PostgreSQL refuses to write."""
    return Ask(request)
