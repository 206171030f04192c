"""Are the documents of several parts one document that still means the same?"""

from typing import Any

from gateway.docs_page import page
from gateway.openapi import merge
from gateway.own_calls import own_calls

REF = "#/components/schemas/"


def part(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "inner", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"internal": {"type": "http"}}},
    }


def get(schema: str, **more: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": REF + schema}}}
    return {"get": {"responses": {"200": {"description": "", "content": content}}} | more}


def answered(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The schema of a path's answer, found by its reference."""
    content = document["paths"][path]["get"]["responses"]["200"]["content"]
    name = content["application/json"]["schema"]["$ref"].removeprefix(REF)
    schema: dict[str, Any] = document["components"]["schemas"][name]
    return schema


def merged(licensing: dict[str, Any], plans: dict[str, Any]) -> dict[str, Any]:
    own = own_calls(dev_issuer=True, test_clocks=True)
    return merge({"Gateway": own, "Licensing": licensing, "Plans": plans})


def test_one_name_with_two_meanings_becomes_two_names() -> None:
    document = merged(
        part({"/v1/licenses": get("Item")}, {"Item": {"title": "a license"}}),
        part({"/v1/plans": get("Item")}, {"Item": {"title": "a plan"}}),
    )
    assert answered(document, "/v1/licenses") == {"title": "a license"}
    assert answered(document, "/v1/plans") == {"title": "a plan"}


def test_a_name_that_refers_to_two_meanings_has_two_itself() -> None:
    outer = {"properties": {"item": {"$ref": REF + "Item"}}}
    document = merged(
        part({"/v1/licenses": get("Page")}, {"Page": outer, "Item": {"title": "a license"}}),
        part({"/v1/plans": get("Page")}, {"Page": outer, "Item": {"title": "a plan"}}),
    )
    for path, title in (("/v1/licenses", "a license"), ("/v1/plans", "a plan")):
        inner = answered(document, path)["properties"]["item"]["$ref"].removeprefix(REF)
        assert document["components"]["schemas"][inner]["title"] == title


def test_one_name_with_one_meaning_stays_as_it_is() -> None:
    money = {"Money": {"type": "object"}}
    document = merged(part({"/v1/licenses": get("Money")}, money), part({"/v1/plans": get("Money")}, money))
    assert document["components"]["schemas"]["Money"] == {"type": "object"}
    assert "PlansMoney" not in document["components"]["schemas"]


def test_operation_ids_stay_unique() -> None:
    document = merged(
        part({"/v1/licenses": get("A", operationId="list")}, {"A": {}}),
        part({"/v1/plans": get("A", operationId="list")}, {"A": {}}),
    )
    assert document["paths"]["/v1/licenses"]["get"]["operationId"] == "list"
    assert document["paths"]["/v1/plans"]["get"]["operationId"] == "plans_list"


def test_what_is_between_gateway_and_services_does_not_show() -> None:
    document = merged(
        part(
            {
                "/internal/test-clock": get("A"),
                "/livez": get("A"),
                "/v1/licenses": get("A", security=[{"internal": []}]),
                "/.well-known/siteward-keys": get("A"),
            },
            {"A": {}},
        ),
        part({}, {}),
    )
    assert not {"/internal/test-clock", "/livez"} & set(document["paths"])
    assert list(document["components"]["securitySchemes"]) == ["bearer"]
    assert "security" not in document["paths"]["/v1/licenses"]["get"]
    assert document["paths"]["/.well-known/siteward-keys"]["get"]["security"] == []


def test_what_the_gateway_may_answer_is_said_of_every_call_that_needs_a_token() -> None:
    document = merged(
        part({"/v1/licenses": get("A"), "/.well-known/siteward-keys": get("A")}, {"A": {}}),
        part({"/v1/plans": get("Problem")}, {"Problem": {"title": "of plans"}}),
    )
    for path in ("/v1/licenses", "/v1/plans", "/v1/test-clock"):
        assert {"401", "429", "503"} <= set(document["paths"][path]["get"]["responses"])
    refusal = document["paths"]["/v1/licenses"]["get"]["responses"]["401"]
    reference = refusal["content"]["application/problem+json"]["schema"]["$ref"]
    assert "request_id" in document["components"]["schemas"][reference.removeprefix(REF)]["properties"]
    assert set(document["paths"]["/.well-known/siteward-keys"]["get"]["responses"]) == {"200"}


def test_every_reference_of_the_whole_leads_somewhere() -> None:
    document = merged(
        part({"/v1/licenses": get("Item")}, {"Item": {"title": "a license"}}),
        part({"/v1/plans": get("Item")}, {"Item": {"title": "a plan"}}),
    )

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
        elif isinstance(node, str) and node.startswith(REF):
            assert node.removeprefix(REF) in document["components"]["schemas"]

    walk(document)


def test_calls_that_are_off_are_not_documented() -> None:
    document = own_calls(dev_issuer=False, test_clocks=False)
    assert list(document["paths"]) == ["/v1/openapi.json"]


def test_the_page_shows_every_operation_and_takes_no_text_for_markup() -> None:
    licensing = part({"/v1/licenses": get("A", summary="<script>alert(1)</script>")}, {"A": {"title": "A"}})
    text = page(merged(licensing, part({}, {}))).decode()
    assert "<script>" not in text
    for path in ("/v1/licenses", "/v1/test-clock/advance", "/dev/tokens"):
        assert f"<code>{path}</code>" in text
