"""What plans' routes of sites take and answer."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, field_validator

from services.plans.domain.site import NAME, Site
from services.plans.events import site_state
from shared.events.state import SiteState
from shared.http.call import Input, not_null

_TEXT: Final = r"^[^\x00-\x1f\x7f]*$"
_EMAIL: Final = r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,190}$"
_MOST: Final = 50
_MOST_ZONES: Final = 200


def _one_of_a_kind(names: list[str]) -> list[str]:
    if len({name.lower() for name in names}) < len(names):
        raise ValueError("the same name is there twice, whatever the case")
    return names


SiteSize = Literal["XS", "S", "M", "L", "XL"]
DisplayName = Annotated[str, Field(min_length=1, max_length=200, pattern=_TEXT)]
Tag = Annotated[str, Field(min_length=1, max_length=64, pattern=_TEXT)]
TagText = Annotated[str, Field(max_length=256, pattern=_TEXT)]
Email = Annotated[str, Field(pattern=_EMAIL)]
Zones = Annotated[
    list[Annotated[str, Field(pattern=NAME)]],
    Field(min_length=1, max_length=_MOST_ZONES),
    AfterValidator(_one_of_a_kind),
]


class SiteFields(Input):
    """What of a site can be given; what is left out stays as it is, or gets its default."""

    site_size: SiteSize | None = None
    """Needed where the plan follows licenses, and not applicable elsewhere."""
    tags: dict[Tag, TagText] | None = Field(default=None, max_length=_MOST)
    owners: list[Email] | None = Field(default=None, max_length=_MOST)
    """E-mail addresses."""
    zones: Zones | None = None
    """Parts of the site that may repeat each other's addresses; `["Default"]` unless given."""

    _something = field_validator("tags", "owners", "zones", mode="before")(not_null)


class SiteIn(SiteFields):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"display_name": "Hall 1", "site_size": "XS", "zones": ["Default", "Packing"]}]
        }
    )

    display_name: DisplayName


class SitePatch(SiteFields):
    model_config = ConfigDict(json_schema_extra={"examples": [{"display_name": "Hall 1"}]})

    display_name: DisplayName | None = None

    _a_name = field_validator("display_name", mode="before")(not_null)


class SiteOut(SiteState):
    """A site as it is now."""

    @classmethod
    def of(cls, site: Site, *, devices: int) -> Self:
        return cls(**site_state(site, devices=devices).__dict__)
