"""How does a refusal look on the wire?"""

from collections.abc import Callable

import orjson
import pytest

from shared.http import problems
from shared.http.problems import Problem


def document(problem: Problem) -> dict[str, object]:
    body: dict[str, object] = orjson.loads(problem.document(instance="/v1/things/1", request_id="r-1"))
    return body


def test_a_problem_has_the_fields_of_rfc_9457_and_ours() -> None:
    assert document(Problem(409, "ChangePending", "A change is pending", "Until tomorrow.")) == {
        "type": "https://siteward.dev/problems/ChangePending",
        "title": "A change is pending",
        "status": 409,
        "detail": "Until tomorrow.",
        "instance": "/v1/things/1",
        "code": "ChangePending",
        "request_id": "r-1",
    }


def test_bad_input_names_each_place() -> None:
    errors = [{"pointer": "/sku", "detail": "Unknown."}, {"pointer": "/quantity", "detail": "Too small."}]
    assert document(problems.invalid_request(errors))["errors"] == errors


def test_403_names_the_roles_that_would_have_sufficed() -> None:
    problem = problems.forbidden(("Owner", "Contributor"))
    assert document(problem)["required_roles"] == ["Owner", "Contributor"]
    assert "Owner, Contributor" in problem.detail


@pytest.mark.parametrize(
    ("make", "status", "code", "header"),
    [
        (lambda: problems.unauthorized("No."), 401, "Unauthenticated", ("WWW-Authenticate", "Bearer")),
        (lambda: problems.forbidden(["Owner"]), 403, "AuthorizationFailed", None),
        (problems.not_found, 404, "NotFound", None),
        (lambda: problems.method_not_allowed("GET, PUT"), 405, "MethodNotAllowed", ("Allow", "GET, PUT")),
        (problems.request_in_progress, 409, "RequestInProgress", ("Retry-After", "1")),
        (problems.precondition_failed, 412, "PreconditionFailed", None),
        (lambda: problems.content_too_large(1_048_576), 413, "ContentTooLarge", None),
        (lambda: problems.unsupported_media_type("application/json"), 415, "UnsupportedMediaType", None),
        (lambda: problems.malformed_json("Where?"), 400, "MalformedJson", None),
        (lambda: problems.invalid_request([]), 422, "InvalidRequest", None),
        (problems.idempotency_key_reused, 422, "IdempotencyKeyReused", None),
        (problems.precondition_required, 428, "PreconditionRequired", None),
        (lambda: problems.rate_limited(17), 429, "RateLimited", ("Retry-After", "17")),
        (problems.internal_error, 500, "InternalError", None),
        (problems.unavailable, 503, "ServiceUnavailable", ("Retry-After", "1")),
    ],
)
def test_each_refusal_has_its_status_its_code_and_its_headers(
    make: Callable[[], Problem], status: int, code: str, header: tuple[str, str] | None
) -> None:
    problem = make()
    assert (problem.status, problem.code) == (status, code)
    assert dict(problem.headers) == ({} if header is None else dict([header]))
    assert problem.title
    assert problem.detail.endswith(".") or code == "MalformedJson"
