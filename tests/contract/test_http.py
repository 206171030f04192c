"""Has every answer of both services the status, the headers and the shape that its document promises?"""

from typing import Any, Final

import schemathesis
from hypothesis import settings
from schemathesis import Case, CheckContext, Response
from schemathesis.specs.openapi.checks import (
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
)

from shared.identity import Principal
from tests.contract.documents import DOCUMENTS
from tests.contract.inhabited import Inhabited, authorization, newcomer

licensing: Final = schemathesis.openapi.from_dict(DOCUMENTS["licensing"])
plans: Final = schemathesis.openapi.from_dict(DOCUMENTS["plans"])

bounded: Final = settings(max_examples=10, deadline=None)
_NEWCOMER: Final = newcomer()


def refusals_are_problems(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """RFC 9457, and what the contract adds to it."""
    [request_id] = response.headers["x-request-id"]
    if response.status_code >= 400:
        problem = response.json()
        assert problem["status"] == response.status_code, case
        # A repeated request gets the first one's answer, to the letter.
        assert problem["request_id"] == request_id or "idempotency-replayed" in response.headers
        assert problem["type"].endswith("/" + problem["code"])
        assert problem["instance"].startswith("/")


def check(case: Case[Any], url: str, caller: Principal) -> None:
    headers = authorization(caller)
    response = case.call(base_url=url, headers=headers)
    # What a schema allows may still name nothing: another tenant's cursor, a product that is not sold.
    # A missing If-Match is a 428 (RFC 6585), which the other check does not know.
    excluded = [positive_data_acceptance, missing_required_header]
    if response.status_code == 412:
        # Where only the token was left out, which is added above, the version is looked at and is stale.
        excluded.append(negative_data_rejection)
    if any(value in ([], None) for value in (case.query or {}).values()):
        # A query parameter without a value is not sent, so nobody can refuse it.
        excluded.append(negative_data_rejection)
    case.validate_response(
        response, headers=headers, additional_checks=[refusals_are_problems], excluded_checks=excluded
    )


def about_what_is_there(case: Case[Any], inhabited: Inhabited) -> Case[Any]:
    # What is there has to stay there for the others.
    names = inhabited.names | ({"name": "Gone"} if case.method == "DELETE" else {})
    for name in case.path_parameters or {}:
        case.path_parameters[name] = names[name]
    return case


@licensing.parametrize()
@bounded
def test_licensing_answers_a_newcomer(case: Case[Any], inhabited: Inhabited) -> None:
    check(case, inhabited.urls["licensing"], _NEWCOMER)


@plans.parametrize()
@bounded
def test_plans_answers_a_newcomer(case: Case[Any], inhabited: Inhabited) -> None:
    check(case, inhabited.urls["plans"], _NEWCOMER)


@licensing.parametrize()
@bounded
def test_licensing_answers_about_what_is_there(case: Case[Any], inhabited: Inhabited) -> None:
    check(about_what_is_there(case, inhabited), inhabited.urls["licensing"], inhabited.owner)


@plans.parametrize()
@bounded
def test_plans_answers_about_what_is_there(case: Case[Any], inhabited: Inhabited) -> None:
    check(about_what_is_there(case, inhabited), inhabited.urls["plans"], inhabited.owner)


@licensing.parametrize()
@bounded
def test_licensing_answers_who_has_no_role(case: Case[Any], inhabited: Inhabited) -> None:
    check(about_what_is_there(case, inhabited), inhabited.urls["licensing"], inhabited.colleague)


@plans.parametrize()
@bounded
def test_plans_answers_who_has_no_role(case: Case[Any], inhabited: Inhabited) -> None:
    check(about_what_is_there(case, inhabited), inhabited.urls["plans"], inhabited.colleague)
