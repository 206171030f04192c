"""Is what was sent wrongly named in words for a caller, who knows neither our models nor what checks them?"""

from typing import Annotated
from uuid import UUID

import pytest
from pydantic import Field, ValidationError, field_validator

from shared.http.call import Input, Query
from shared.http.faults import errors_of


class Part(Input):
    name: str = Field(pattern="^[a-z]+$")


class Sent(Input):
    word: str = Field(default="a", pattern="^[a-z]+$")
    even: int = 2
    list: Annotated[tuple[int, ...], Field(max_length=1, strict=False)] = ()
    part: Part | None = None
    id: UUID | None = Field(default=None, strict=False)

    @field_validator("even")
    @classmethod
    def _even(cls, even: int) -> int:
        if even % 2:
            raise ValueError("has to be even")
        return even


class Asked(Query):
    limit: int = Field(default=50, ge=-5, le=200)
    most: int | None = None
    word: str = ""


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ('{"nothing/here": 1}', "/nothing~1here", "This field is not known here."),
        ('{"word": "A"}', "/word", "The text has a form or characters that are not allowed here."),
        ('{"even": 3}', "/even", "has to be even"),
        ('{"list": [1, 2]}', "/list", "Tuple should have at most 1 item, not 2"),
        ('{"part": "a"}', "/part", "Input should be an object"),
        (
            '{"part": {"name": ""}}',
            "/part/name",
            "The text has a form or characters that are not allowed here.",
        ),
        ('{"id": 7}', "/id", "Input should be a UUID, as text"),
    ],
)
def test_a_fault_is_named_where_it_is_in_plain_words(body: str, pointer: str, detail: str) -> None:
    with pytest.raises(ValidationError) as error:
        Sent.model_validate_json(body)
    assert errors_of(error.value) == [{"pointer": pointer, "detail": detail}]


@pytest.mark.parametrize("number", ["5", "05", "-5"])
def test_a_number_in_a_query_is_written_in_digits(number: str) -> None:
    asked = Asked.model_validate({"limit": number, "most": number, "word": "1_0"})
    assert (asked.limit, asked.most, asked.word) == (int(number), int(number), "1_0")


@pytest.mark.parametrize(
    "number", ["1_0", "+5", " 5", "5 ", "5\n", "5.0", "5e0", "0x5", "--5", "-", "", "٣", "５"]
)
def test_what_is_written_otherwise_is_no_number(number: str) -> None:
    with pytest.raises(ValidationError) as error:
        Asked.model_validate({"limit": number, "most": number})
    assert errors_of(error.value) == [
        {"pointer": f"/{name}", "detail": "A whole number is written in digits alone, such as 50."}
        for name in ("limit", "most")
    ]
