"""The API for a person to read: one page without a script, so that it works where no other site is reachable."""

from collections.abc import Iterator
from html import escape
from typing import Any, Final

import orjson

_METHODS: Final = ("get", "put", "post", "patch", "delete")
_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
h2{margin-top:2.5rem;border-bottom:1px solid #d0d7de}code,pre{font:14px/1.4 ui-monospace,monospace}
summary{cursor:pointer;padding:.3rem 0}summary b{display:inline-block;width:4.5rem}
details>div{margin:.2rem 0 1rem 1.2rem}pre{background:#f6f8fa;padding:.8rem;overflow:auto}
td{padding:.1rem .8rem .1rem 0;vertical-align:top}
"""


def page(document: dict[str, Any]) -> bytes:
    """HTML of an OpenAPI document: every operation with its parameters, example and answers."""
    info = document["info"]
    title = f"{info['title']} {info['version']}"
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1><p>{escape(info.get('description', ''))}</p>",
        '<p>As data: <a href="/v1/openapi.json">/v1/openapi.json</a>, ',
        'events: <a href="/asyncapi.yaml">/asyncapi.yaml</a></p>',
    ]
    by_tag: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                tag = (item[method].get("tags") or ["other"])[0]
                by_tag.setdefault(tag, []).append("".join(_operation(document, method, path, item[method])))
    for tag, operations in sorted(by_tag.items()):
        parts += [f"<h2>{escape(tag)}</h2>", *operations]
    return "".join(parts).encode()


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    summary = escape(operation.get("summary", ""))
    yield f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> {summary}</summary><div>"
    if text := operation.get("description"):
        yield f"<p>{escape(text)}</p>"
    if operation.get("parameters"):
        yield "<table>"
        for parameter in (_resolved(document, one) for one in operation["parameters"]):
            needed = "required" if parameter.get("required") else ""
            yield f"<tr><td><code>{escape(parameter['name'])}</code><td>{escape(parameter['in'])}<td>{needed}"
            yield f"<td>{escape(parameter.get('description', ''))}</tr>"
        yield "</table>"
    for media_type, content in _content(document, operation.get("requestBody")):
        yield f"<p>Body: <code>{escape(media_type)}</code></p>{_example(document, content)}"
    yield "<table>"
    for status, answer in sorted(operation.get("responses", {}).items()):
        description = escape(_resolved(document, answer).get("description", ""))
        yield f"<tr><td><code>{escape(status)}</code><td>{description}</tr>"
    yield "</table>"
    for status, answer in sorted(operation.get("responses", {}).items()):
        if status.startswith("2"):
            for _, content in _content(document, answer):
                yield _example(document, content)
    yield "</div></details>"


def _content(document: dict[str, Any], body: dict[str, Any] | None) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from _resolved(document, body or {}).get("content", {}).items()


def _example(document: dict[str, Any], content: dict[str, Any]) -> str:
    """The example that the document gives; without one, the schema."""
    schema = _resolved(document, content.get("schema", {}))
    named = [one.get("value") for one in content.get("examples", {}).values()]
    shown = next(
        (one for one in (content.get("example"), *named, *schema.get("examples", [])) if one is not None),
        schema,
    )
    return f"<pre>{escape(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())}</pre>"


def _resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a reference within the document stands for."""
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node
