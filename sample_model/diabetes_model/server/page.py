"""``/docs``: the OpenAPI description as one page that loads nothing from anywhere else."""

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
h2{font-size:1rem;margin:2rem 0 .3rem;border-top:1px solid #ddd;padding-top:1rem}
code,pre{font-family:ui-monospace,monospace;font-size:.85rem}
pre{background:#f5f5f5;padding:.6rem;overflow-x:auto}
td,th{text-align:left;padding:.1rem 1rem .1rem 0;vertical-align:top;font-size:.85rem}
"""

Json = Mapping[str, Any]


def add(app: FastAPI) -> None:
    """Adds the page."""

    @app.get("/docs", include_in_schema=False)
    async def docs(_: Request) -> Response:
        return HTMLResponse(rendered(app.openapi()))


def rendered(document: Json) -> str:
    """The description as HTML."""
    title = _text(f"{document['info']['title']} {document['info']['version']}")
    parts = "".join(
        _operation(path, method, operation, document)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<style>{STYLE}</style><h1>{title}</h1><p>{_text(document['info']['description'])} "
        f'For programs: <a href="openapi.json">openapi.json</a>.</p>{parts}</html>'
    )


def _operation(path: str, method: str, operation: Json, document: Json) -> str:
    said = operation.get("description") or operation.get("summary", "")
    return (
        f"<h2><code>{method.upper()} {_text(path)}</code></h2><p>{_text(said)}</p>"
        f"{_body(path, operation, document)}<table>{''.join(_answers(operation))}</table>"
    )


def _answers(operation: Json) -> Iterator[str]:
    for code, answer in operation["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        yield f"<tr><th>{code}<td>{_text(answer['description'])}<td>{_text(name)}</tr>"


def _body(path: str, operation: Json, document: Json) -> str:
    if "requestBody" not in operation:
        return ""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    body = _resolved(schema, document)
    example = json.dumps(body.get("example", {}))
    items = body["properties"].get("rows", body["properties"].get("inputs", {})).get("items", {})
    rows = "".join(_field(name, field) for name, field in _fields(items, document))
    return (
        f"<pre>curl http://HOST{_text(path)} -H 'Content-Type: application/json' \\\n"
        f"  -d '{_text(example)}'</pre><table>{rows}</table>"
    )


def _fields(schema: Json, document: Json) -> Iterator[tuple[str, Json]]:
    yield from _resolved(schema, document).get("properties", {}).items()


def _field(name: str, field: Json) -> str:
    """One row: name, bounds, what it is."""
    number = next((kind for kind in field.get("anyOf", [field]) if kind["type"] != "null"), field)
    bounds = f"{number['minimum']:g} to {number['maximum']:g}" if "minimum" in number else ""
    optional = ", or null" if "anyOf" in field else ""
    said = number.get("description") or field.get("description", "")
    return f"<tr><td><code>{_text(name)}</code><td>{bounds}{optional}<td>{_text(said)}</tr>"


def _resolved(schema: Json, document: Json) -> Json:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Json = document["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def _text(value: object) -> str:
    return html.escape(str(value))
