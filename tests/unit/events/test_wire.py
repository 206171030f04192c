"""Do times, money and changes look on the wire as the contract says?"""

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.events.event import changes
from shared.events.examples import EXAMPLES
from shared.events.licensing import LicensePurchased
from shared.events.state import Line, Period
from shared.events.wire import Money, Utc, WireModel, eight_decimals, in_utc, utc_text


class Moment(WireModel):
    at: Utc


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00Z"),
        (datetime(2026, 3, 1, 9, 30, 15, tzinfo=UTC), "2026-03-01T09:30:15Z"),
        (datetime(2026, 3, 1, 9, 30, 15, 250_000, tzinfo=UTC), "2026-03-01T09:30:15.250000Z"),
        (datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2026-02-28T23:30:00Z"),
    ],
)
def test_a_time_is_rfc_3339_in_utc_with_a_fraction_only_where_there_is_one(
    moment: datetime, text: str
) -> None:
    assert utc_text(moment) == text
    assert Moment(at=moment).model_dump_json() == f'{{"at":"{text}"}}'


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.timezones()))  # noqa: DTZ001 - bounds
def test_models_and_headers_write_the_same_time_alike(moment: datetime) -> None:
    text = utc_text(moment)
    assert Moment(at=moment).model_dump(mode="json") == {"at": text}
    assert Moment.model_validate_json(f'{{"at":"{text}"}}').at == in_utc(moment)


def test_a_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(ValidationError, match="between the years 1 and 9999"):
        Moment.model_validate_json('{"at": "9999-12-31T23:59:59-14:00"}')


def test_a_time_without_zone_is_refused() -> None:
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - the mistake under test
    with pytest.raises(ValidationError):
        Moment(at=naive)
    with pytest.raises(ValueError, match="time zone"):
        utc_text(naive)


@pytest.mark.parametrize(
    ("minor", "amount"),
    [(0, "0.00"), (5, "0.05"), (1250, "12.50"), (175_000, "1750.00"), (-5, "-0.05"), (-171_164, "-1711.64")],
)
def test_money_is_a_decimal_string(minor: int, amount: str) -> None:
    assert Money.of(minor, "USD").model_dump() == {"amount": amount, "currency": "USD"}


@pytest.mark.parametrize("amount", ["", "1,750.00", "1e3", "+1", ".5", "1.", "01.00", 17.5, "NaN", "1.00\n"])
def test_nothing_else_is_an_amount(amount: Any) -> None:
    with pytest.raises(ValidationError):
        Money(amount=amount, currency="USD")


@pytest.mark.parametrize(
    ("minor", "text"),
    [
        (Fraction(175_000), "1750.00000000"),
        (Fraction(175_000 * 362, 365), "1735.61643836"),
        (Fraction(-175_000 * 362, 365), "-1735.61643836"),
        (Fraction(1, 2_000_000), "0.00000001"),
        (Fraction(-1, 2_000_001), "0.00000000"),
        (Fraction(0), "0.00000000"),
        (Fraction(5, 3), "0.01666667"),
    ],
)
def test_unrounded_has_eight_decimals_half_up(minor: Fraction, text: str) -> None:
    assert eight_decimals(minor) == text


def test_from_and_to_are_called_so_on_the_wire() -> None:
    period = Period(start=datetime(2026, 6, 1, tzinfo=UTC), end=datetime(2026, 7, 1, tzinfo=UTC))
    text = period.model_dump_json()
    assert orjson.loads(text) == {"from": "2026-06-01T00:00:00Z", "to": "2026-07-01T00:00:00Z"}
    assert Period.model_validate_json(text) == period
    assert {"from", "to"} <= set(Line.model_json_schema()["properties"])


def test_changes_name_what_differs_and_keep_what_was() -> None:
    event = EXAMPLES[LicensePurchased.type].event
    assert isinstance(event, LicensePurchased)
    before = event.license
    after = before.model_copy(update={"status": "disabled", "reducible": (), "version": 2})
    assert changes(before, after) == (
        ("status", "reducible"),
        {"status": "active", "reducible": [{"quantity": 3, "until": "2026-03-08T09:30:00Z"}]},
    )
    assert changes(before, after, except_for=["reducible"]) == (("status",), {"status": "active"})
    assert changes(None, after) == ((), {})
