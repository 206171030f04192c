"""How a refusal looks on the wire: RFC 9457 problem documents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

MEDIA_TYPE: Final = "application/problem+json"
TYPES: Final = "https://siteward.dev/problems/"
"""Where a problem's `type` points; its page is docs/problems.md."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal: a stable `code`, and for a person the `title` (always the same) and `detail` (this case)."""

    status: int
    code: str
    title: str
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    """For bad input: `pointer` (a JSON pointer into the body, or the parameter's name) and `detail`."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a program may want to know besides, such as the roles that would have sufficed."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self, *, instance: str, request_id: str) -> bytes:
        body: dict[str, Any] = {
            "type": TYPES + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "request_id": request_id,
            **self.facts,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        return orjson.dumps(body)


class Refused(Exception):
    """A request that is refused before any rule of the business is asked."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def unauthorized(detail: str) -> Problem:
    return Problem(
        401, "Unauthenticated", "The caller is not known", detail, headers={"WWW-Authenticate": "Bearer"}
    )


def forbidden(roles: Sequence[str]) -> Problem:
    """403, with the roles of which any one would have sufficed."""
    named = ", ".join(roles)
    return Problem(
        403,
        "AuthorizationFailed",
        "The caller may not do this",
        f"One of these roles is needed: {named}.",
        facts={"required_roles": list(roles)},
    )


def role_refusal(needed: Sequence[str], held: Iterable[str]) -> Problem | None:
    """What stands against a caller who holds these roles: None as soon as one of those needed is among them."""
    return forbidden(needed) if frozenset(held).isdisjoint(needed) else None


def not_found(detail: str = "There is nothing at this address.", code: str = "NotFound") -> Problem:
    return Problem(404, code, "Not found", detail)


def method_not_allowed(allowed: str) -> Problem:
    return Problem(
        405,
        "MethodNotAllowed",
        "The method does not apply here",
        f"This address takes {allowed}.",
        headers={"Allow": allowed},
    )


def not_acceptable(offered: Sequence[str]) -> Problem:
    return Problem(
        406,
        "NotAcceptable",
        "No such form of it",
        f"This address answers with {' or '.join(offered)}.",
        facts={"offered": list(offered)},
    )


def content_too_large(limit: int) -> Problem:
    return Problem(
        413, "ContentTooLarge", "The body is too large", f"A body may have {limit:,} bytes at the most."
    )


def unsupported_media_type(expected: str) -> Problem:
    return Problem(
        415, "UnsupportedMediaType", "The content type does not fit", f"The body has to be {expected}."
    )


def malformed_json(detail: str) -> Problem:
    return Problem(400, "MalformedJson", "The body is not JSON", detail)


def invalid_request(errors: Sequence[Mapping[str, str]]) -> Problem:
    return Problem(
        422,
        "InvalidRequest",
        "The request does not fit",
        "Some of what was sent is unknown, missing, of a wrong type or out of range: see errors.",
        errors=errors,
    )


def precondition_required() -> Problem:
    return Problem(
        428,
        "PreconditionRequired",
        "If-Match is needed",
        "Send If-Match with the ETag that you last read, so that nobody's change is overwritten unseen.",
    )


def precondition_failed() -> Problem:
    title = "The resource is not as it was to be"
    return Problem(412, "PreconditionFailed", title, "Read it again, then decide again.")


def idempotency_key_reused() -> Problem:
    return Problem(
        422,
        "IdempotencyKeyReused",
        "The Idempotency-Key was used for another request",
        "A key stands for one request; send a new key with a new request.",
    )


def request_in_progress() -> Problem:
    return Problem(
        409,
        "RequestInProgress",
        "Another request is being worked on",
        "A request with this Idempotency-Key, or another one that changes the same, is still at work; "
        "send it again in a moment.",
        headers={"Retry-After": "1"},
    )


def malformed_request() -> Problem:
    detail = "What came is no request of HTTP/1.1, or has no single meaning."
    return Problem(400, "MalformedRequest", "The request is no HTTP", detail)


def head_too_large(limit: int) -> Problem:
    detail = f"The address and the headers of a request have at most {limit} bytes, and so have trailers."
    return Problem(431, "HeadTooLarge", "The head of the request is too large", detail)


def request_timeout() -> Problem:
    detail = "The body did not come, or not all of it in time; send the request again."
    return Problem(408, "RequestTimeout", "The body did not come", detail, headers={"Connection": "close"})


def rate_limited(retry_after: int) -> Problem:
    return Problem(
        429,
        "RateLimited",
        "Too many requests",
        f"Try again in {retry_after} s.",
        headers={"Retry-After": str(retry_after)},
    )


def unavailable(retry_after: int = 1) -> Problem:
    """A part this answer depends on can't be reached; whether a write took effect may be unknown."""
    return Problem(
        503,
        "ServiceUnavailable",
        "A part of the service cannot be reached",
        "Send the request again in a moment; with the same Idempotency-Key it takes effect once.",
        headers={"Retry-After": str(retry_after)},
    )


def internal_error() -> Problem:
    return Problem(
        500,
        "InternalError",
        "Something went wrong on our side",
        "The request was not carried out. Its request_id helps us find out why.",
    )
