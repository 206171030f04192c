"""Is what each service says about itself valid OpenAPI 3.1, and does it say everything a caller has to know?"""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.licensing.api.problems import STATUSES as LICENSING_STATUSES
from services.plans.api.problems import STATUSES as PLANS_STATUSES
from tests.contract.documents import DOCUMENTS

# The contract's own list of calls that this release has, and what each refuses besides what all do.
CALLS: Final = {
    "licensing": {
        "GET /v1/products": "",
        "GET /v1/products/{sku}": "ProductNotFound",
        "GET /v1/licenses": "",
        "POST /v1/licenses": "TrialAlreadyUsed",
        "GET /v1/licenses/{license_id}": "LicenseNotFound",
        "POST /v1/licenses/{license_id}/cancel": """
            LicenseNotFound LicenseNotActive CancellationWindowClosed PreconditionFailed""",
        "PATCH /v1/licenses/{license_id}": """
            LicenseNotFound LicenseNotActive LicenseInUse AutoRenewOff RaisedTooOften TrialQuantityFixed
            PreconditionFailed PreconditionRequired""",
        "POST /v1/licenses/{license_id}/extend-trial": """
            LicenseNotFound NotATrial LicenseNotActive TrialExtensionNotAllowed PreconditionFailed""",
        "POST /v1/licenses/{license_id}/convert": """
            LicenseNotFound NotATrial LicenseNotActive PreconditionFailed""",
        "POST /v1/licenses/{license_id}/reactivate": """
            LicenseNotFound LicenseNotExpired TrialAlreadyUsed PreconditionFailed""",
        "GET /v1/license-summary": "",
        "GET /v1/invoices": "",
        "GET /v1/invoices/{invoice_id}": "InvoiceNotFound NotAcceptable",
        "GET /v1/audit-events": "",
        "GET /v1/audit-events/verification": "",
    },
    "plans": {
        "GET /v1/subscriptions": "",
        "GET /v1/subscriptions/{subscription_id}": "SubscriptionNotFound",
        "PUT /v1/subscriptions/{subscription_id}": """
            SubscriptionNotFound SubscriptionLinkedElsewhere PreconditionFailed""",
        "POST /v1/subscriptions/{subscription_id}/plan/preview": "SubscriptionNotFound",
        "PUT /v1/subscriptions/{subscription_id}/plan": """
            SubscriptionNotFound PreconditionFailed TermsNotAccepted PlanAlreadyExists NoActiveLicense""",
        "GET /v1/subscriptions/{subscription_id}/plan": "SubscriptionNotFound PlanNotFound",
        "GET /v1/plans": "",
        "GET /v1/subscriptions/{subscription_id}/entitlements": "SubscriptionNotFound PlanNotFound",
        "POST /v1/entitlement-checks": "",
        "GET /v1/subscriptions/{subscription_id}/sites": "SubscriptionNotFound",
        "GET /v1/subscriptions/{subscription_id}/sites/{name}": "SubscriptionNotFound SiteNotFound",
        "PUT /v1/subscriptions/{subscription_id}/sites/{name}": """
            SubscriptionNotFound NoPlan PlanCancelled SiteSizeNotApplicable SiteSizeNotLicensed
            SensorsStillRegistered PreconditionFailed""",
        "PATCH /v1/subscriptions/{subscription_id}/sites/{name}": """
            SubscriptionNotFound SiteNotFound NoPlan PlanCancelled SiteSizeNotApplicable SiteSizeNotLicensed
            SensorsStillRegistered PreconditionFailed PreconditionRequired""",
        "DELETE /v1/subscriptions/{subscription_id}/sites/{name}": """
            SubscriptionNotFound SiteNotFound SensorsStillRegistered PreconditionFailed""",
        "POST /v1/subscriptions/{subscription_id}/sensors/{name}/device-observations": """
            SubscriptionNotFound SensorNotFound""",
        "GET /v1/subscriptions/{subscription_id}/statements": "SubscriptionNotFound",
        "GET /v1/subscriptions/{subscription_id}/statements/{month}": """
            SubscriptionNotFound StatementNotFound NotAcceptable""",
        "POST /v1/subscriptions/{subscription_id}/plan/cancel": """
            SubscriptionNotFound PlanNotFound AgreementRequired PlanCancelled ChangePending
            SensorsStillRegistered PreconditionFailed""",
        "POST /v1/subscriptions/{subscription_id}/plan/undo": """
            SubscriptionNotFound PlanNotFound PlanCancelled NothingPending PreconditionFailed""",
        "PATCH /v1/subscriptions/{subscription_id}/plan": """
            SubscriptionNotFound PlanNotFound PricePlanNotATarget SitesNotEditableForPlan TermsNotAccepted
            ManagedInMicrosoft365 PlanCancelled ChangePending NoActiveLicense
            SensorsOnOtherSubscriptions PreconditionFailed PreconditionRequired""",
        "GET /v1/operations/{operation_id}": "OperationNotFound",
        "POST /v1/legacy-plans/import": "",
        "GET /v1/subscriptions/{subscription_id}/role-assignments": "SubscriptionNotFound",
        "GET /v1/subscriptions/{subscription_id}/role-assignments/{principal}": """
            SubscriptionNotFound RoleAssignmentNotFound""",
        "PUT /v1/subscriptions/{subscription_id}/role-assignments/{principal}": """
            SubscriptionNotFound LastOwner PreconditionFailed""",
        "DELETE /v1/subscriptions/{subscription_id}/role-assignments/{principal}": """
            SubscriptionNotFound LastOwner PreconditionFailed""",
        "GET /v1/subscriptions/{subscription_id}/sensors": "SubscriptionNotFound",
        "GET /v1/subscriptions/{subscription_id}/sensors/{name}": "SubscriptionNotFound SensorNotFound",
        "PUT /v1/subscriptions/{subscription_id}/sensors/{name}": """
            SubscriptionNotFound NoPlan PlanCancelled ChangePending PreconditionFailed""",
        "PATCH /v1/subscriptions/{subscription_id}/sensors/{name}": """
            SubscriptionNotFound SensorNotFound NoPlan PlanCancelled PreconditionFailed
            PreconditionRequired""",
        "DELETE /v1/subscriptions/{subscription_id}/sensors/{name}": """
            SubscriptionNotFound PreconditionFailed""",
        "POST /v1/subscriptions/{subscription_id}/sensors/{name}/activation-file": """
            SubscriptionNotFound SensorNotFound NotAcceptable PreconditionFailed""",
        "POST /v1/subscriptions/{subscription_id}/sensors/{name}/activate": """
            SubscriptionNotFound SensorNotFound ActivationFileSignatureInvalid
            ActivationFileWrongSensor ActivationFileRevoked ActivationFileSuperseded
            ActivationFileExpired PreconditionFailed""",
        "POST /v1/console-activation-files": "SubscriptionNotFound NoPlan",
        "GET /v1/console-activation-files": "",
        "GET /v1/console-activation-files/{file_id}": "ConsoleFileNotFound",
        "PUT /v1/subscriptions/{subscription_id}/enterprise-iot": """
            SubscriptionNotFound ChangePending NoEnterpriseIotLicense PreconditionFailed""",
        "GET /v1/subscriptions/{subscription_id}/enterprise-iot": "SubscriptionNotFound",
        "DELETE /v1/subscriptions/{subscription_id}/enterprise-iot": """
            SubscriptionNotFound EnterpriseIotLicenseActive PreconditionFailed""",
        "GET /v1/enterprise-iot/estimate": "",
        "GET /v1/notices": "SubscriptionNotFound",
        "GET /v1/subscriptions/{subscription_id}/audit-events": "SubscriptionNotFound",
        "GET /v1/subscriptions/{subscription_id}/audit-events/verification": "SubscriptionNotFound",
    },
}
EVERY_CALL: Final = {"Unauthenticated", "AuthorizationFailed", "InvalidRequest", "ServiceUnavailable"}
A_BODY: Final = {"MalformedJson", "ContentTooLarge", "UnsupportedMediaType", "RequestInProgress"}
STATUSES: Final = (
    LICENSING_STATUSES
    | PLANS_STATUSES
    | {
        "MalformedJson": 400,
        "Unauthenticated": 401,
        "AuthorizationFailed": 403,
        "RequestInProgress": 409,
        "NotAcceptable": 406,
        "PreconditionFailed": 412,
        "PreconditionRequired": 428,
        "ContentTooLarge": 413,
        "UnsupportedMediaType": 415,
        "InvalidRequest": 422,
        "IdempotencyKeyReused": 422,
        "ServiceUnavailable": 503,
    }
)


def operations() -> Iterator[Any]:
    for service, document in DOCUMENTS.items():
        for path, item in document["paths"].items():
            for method, operation in item.items():
                name = f"{method.upper()} {path}"
                yield pytest.param(service, name, operation, id=name)


each_service = pytest.mark.parametrize("service", DOCUMENTS)
each_operation = pytest.mark.parametrize(("service", "name", "operation"), list(operations()))


@each_service
def test_a_document_is_valid_openapi_3_1(service: str) -> None:
    document = DOCUMENTS[service]
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1.")


@each_service
def test_every_call_of_this_release_is_in_it_and_no_other(service: str) -> None:
    named = {
        f"{method.upper()} {path}" for path, item in DOCUMENTS[service]["paths"].items() for method in item
    }
    assert named == set(CALLS[service])


@each_service
def test_each_schema_is_referred_to_and_each_reference_leads_somewhere(service: str) -> None:
    schemas = DOCUMENTS[service]["components"]["schemas"]
    referred = {reference.rpartition("/")[2] for reference in references(DOCUMENTS[service])}
    assert referred == set(schemas)


@each_operation
def test_an_operation_names_each_code_under_its_status(
    service: str, name: str, operation: dict[str, Any]
) -> None:
    method = name.partition(" ")[0]
    expected = EVERY_CALL | set(CALLS[service][name].split())
    expected |= A_BODY if "requestBody" in operation else set()
    expected |= {"IdempotencyKeyReused"} if method in {"POST", "PATCH"} else set()
    found = {
        code: int(status)
        for status, answer in operation["responses"].items()
        if "application/problem+json" in answer.get("content", {})
        for code in answer["description"].split(", ")
    }
    assert found == {code: STATUSES[code] for code in expected}


@each_operation
def test_an_operation_says_what_it_is_for(service: str, name: str, operation: dict[str, Any]) -> None:
    assert operation["description"].endswith("."), (service, name)
    assert operation["tags"] == [service.capitalize()]


@each_operation
def test_a_body_has_an_example_that_its_schema_accepts(
    service: str, name: str, operation: dict[str, Any]
) -> None:
    if "requestBody" not in operation:
        assert name.startswith(("GET", "DELETE"))
        return
    content = operation["requestBody"]["content"]["application/json"]
    validator(service, content["schema"]).validate(content["example"])


@each_operation
def test_a_post_takes_an_idempotency_key_and_a_single_resource_has_an_etag(
    service: str, name: str, operation: dict[str, Any]
) -> None:
    headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
    assert ("Idempotency-Key" in headers) is name.startswith(("POST", "PATCH")), service
    is_single = name.startswith("GET") and "next_cursor" not in properties(service, operation)
    assert ("If-None-Match" in headers) is is_single
    assert ("304" in operation["responses"]) is is_single
    assert ("ETag" in operation["responses"].get("200", {}).get("headers", {})) is is_single


@each_operation
def test_a_query_has_no_null(service: str, name: str, operation: dict[str, Any]) -> None:
    for parameter in operation["parameters"]:
        assert not validator(service, parameter["schema"]).is_valid(None), (name, parameter["name"])


def validator(service: str, schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema | {"components": DOCUMENTS[service]["components"]})


def properties(service: str, operation: dict[str, Any]) -> set[str]:
    """Of what a GET answers."""
    reference: str = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    return set(DOCUMENTS[service]["components"]["schemas"][reference.rpartition("/")[2]]["properties"])


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)
