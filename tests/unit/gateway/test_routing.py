"""Which service answers a path?"""

from itertools import product

import pytest

from gateway.routing import RouteNames, service_for


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/licenses", "licensing"),
        ("/v1/licenses/0199b0c4/cancel", "licensing"),
        ("/v1/products/OT_SITE_L", "licensing"),
        ("/v1/license-summary", "licensing"),
        ("/v1/invoices", "licensing"),
        ("/v1/audit-events/verification", "licensing"),
        ("/v1/subscriptions/0199b0c4/plan/preview", "plans"),
        ("/v1/subscriptions/0199b0c4/audit-events", "plans"),
        ("/v1/subscriptions/0199b0c4/sites/plant 1.old", "plans"),
        ("/v1/plans", "plans"),
        ("/v1/notices", "plans"),
        ("/v1/entitlement-checks", "plans"),
        ("/v1/enterprise-iot/estimate", "plans"),
        ("/v1/console-activation-files", "plans"),
        ("/v1/legacy-plans/import", "plans"),
        ("/v1/operations/0199b0c4", "plans"),
        ("/v1/", None),
        ("/v1/nothing", None),
        ("/v1//licenses", None),
        ("/v1/licensesx", None),
        ("/v1/internal/test-clock", None),
    ],
)
def test_the_first_word_decides(path: str, service: str | None) -> None:
    assert service_for(path) == service


@pytest.mark.parametrize(
    "path",
    ["/v1/licenses/../../internal/test-clock", "/v1/licenses/..", "/v1/licenses/./x"],
)
def test_no_path_leads_around_the_table(path: str) -> None:
    assert service_for(path) is None


def test_ids_do_not_show_in_a_routes_name() -> None:
    names = RouteNames()

    def name(path: str) -> str:
        return names.of(path, answered=True)

    assert name("/v1/licenses") == "/v1/licenses"
    assert name("/v1/licenses/0199b0c4/cancel") == "/v1/licenses/{id}/cancel"
    assert name("/v1/subscriptions/a/sites/plant-1") == "/v1/subscriptions/{id}/sites/{id}"
    assert name("/v1/audit-events/verification") == "/v1/audit-events/verification"
    assert name("/livez") == "/livez"


def test_there_are_only_so_many_names() -> None:
    names = RouteNames()
    made = {names.of(path, answered=True) for path in _MADE_UP}
    assert len(made) <= 201
    assert "other" in made


def test_a_path_that_is_refused_takes_no_room_and_keeps_its_name_where_it_has_one() -> None:
    names = RouteNames()
    assert {names.of(path, answered=False) for path in _MADE_UP} == {"other"}
    assert names.of("/v1/licenses", answered=True) == "/v1/licenses"
    assert names.of("/v1/licenses", answered=False) == "/v1/licenses"


_WORDS = ("plan", "sites", "sensors", "cancel", "x")
_MADE_UP = [f"/v1/licenses/{'/'.join(words)}" for words in product(_WORDS, repeat=4)]
