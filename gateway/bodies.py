"""What a caller sent to the gateway itself: read with a bound, and checked against a model."""

from typing import Final, TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ValidationError

from gateway.exchange import Exchange
from shared.http.faults import UNKNOWN_FIELD, errors_of
from shared.http.problems import Refused, invalid_request, malformed_json, unsupported_media_type

_LIMIT: Final = 1024 * 1024
_Model = TypeVar("_Model", bound=BaseModel)


async def read(exchange: Exchange, model: type[_Model]) -> tuple[_Model, bytes]:
    """The request's JSON body as `model`, and as it came.

    Raises Refused: 413, 415, 400 or 422, in this order.
    """
    body = await exchange.whole_body(_LIMIT)
    content_type = exchange.header(b"content-type") or b""
    if content_type.partition(b";")[0].strip().lower() != b"application/json":
        raise Refused(unsupported_media_type("application/json"))
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(malformed_json(str(error))) from error
    no_query(exchange)
    try:
        return model.model_validate_json(body), body
    except ValidationError as error:
        raise Refused(invalid_request(errors_of(error))) from error


def no_query(exchange: Exchange) -> None:
    """Raises Refused (422) where there is a query: none of the gateway's own calls has one."""
    query: bytes = exchange.scope["query_string"]
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    if names:
        unknown = [{"pointer": name, "detail": UNKNOWN_FIELD} for name in names]
        raise Refused(invalid_request(unknown))
