"""Strong ETags, `"{version}-{digest}"`: the digest tells of any change, the version of an edit."""

import hashlib
from typing import Final

from pydantic import BaseModel
from starlette.requests import Request

from shared.http import problems
from shared.http.problems import Refused

_AS_OF: Final = {"as_of"}


def etag_of(version: int, content: BaseModel, body: bytes) -> str:
    """The ETag of a resource; when it was looked at (`as_of`) does not change it."""
    if "as_of" in type(content).model_fields:
        body = content.model_dump_json(exclude=_AS_OF).encode()
    return etag_of_bytes(version, body)


def etag_of_bytes(version: int, body: bytes) -> str:
    """The same, of a resource in a form that is no JSON."""
    return f'"{version}-{hashlib.blake2b(body, digest_size=9).hexdigest()}"'


def unchanged(request: Request, etag: str | None) -> bool:
    """Whether a GET already holds what it would get (`If-None-Match`)."""
    if etag is None or request.method not in {"GET", "HEAD"}:
        return False
    return is_known(etag, request.headers.get("if-none-match", ""))


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether the ETag is among those that a caller says to have."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in tags or tags == {"*"}


def match(request: Request, version: int | None, *, required: bool) -> None:
    """Check `If-Match` against the resource's present version; the digest is not compared.

    What is not there (None) has no version that could be meant, not even by `*`.

    Raises Refused: 428 where it is required and missing, 412 where another version is meant, or, with
    `If-None-Match: *`, none at all.
    """
    if version and request.headers.get("if-none-match", "").strip() == "*":
        raise Refused(problems.precondition_failed())
    asked = request.headers.get("if-match")
    if asked is None:
        if required:
            raise Refused(problems.precondition_required())
        return
    if version is None:
        raise Refused(problems.precondition_failed())
    if asked.strip() == "*":
        return
    versions = {tag.strip().strip('"').partition("-")[0] for tag in asked.split(",")}
    if str(version) not in versions:
        raise Refused(problems.precondition_failed())
