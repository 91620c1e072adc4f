"""The description of the API as one page to read: no script, nothing from elsewhere."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

__all__ = ["STYLE", "reference_page"]

STYLE = """\
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1f; }
code, pre { font: .9em ui-monospace, monospace; }
pre { background: #f3f3f7; padding: .8rem; overflow: auto; border-radius: .3rem; }
section { border-top: 1px solid #c9c9d4; padding-top: 1rem; margin-top: 2rem; }
h3 code { font-size: 1rem; }
.method { display: inline-block; min-width: 4rem; font-weight: 700; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0; }
@media (prefers-color-scheme: dark) {
  body { background: #16161a; color: #ececf1; }
  pre { background: #25252c; }
  a { color: #9db7ff; }
}
"""

_REFERENCE = "#/components/schemas/"


def reference_page(schema: Mapping[str, Any]) -> str:
    """The whole description as HTML.

    Args:
        schema: OpenAPI 3.1.
    """
    title = escape(f"{schema['info']['title']} {schema['info']['version']}")
    body = "\n".join(_body(schema))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="stylesheet" href="docs.css"></head>\n<body>\n'
        f"<h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def _body(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from _paragraphs(schema["info"].get("description", ""))
    yield '<p><a href="openapi.json">openapi.json</a></p>'
    operations = [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]  # fmt: skip
    yield "<h2>Operations</h2><ul>"
    for path, method, operation in operations:
        link = f'<a href="#{escape(operation["operationId"])}"><code>{method.upper()} {escape(path)}</code></a>'
        yield f"<li>{link} {escape(operation.get('summary', ''))}</li>"
    yield "</ul>"
    for path, method, operation in operations:
        yield from _operation(path, method, operation)
    yield "<h2>Models</h2>"
    for name, model in sorted(schema["components"]["schemas"].items()):
        yield from _model(name, model)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in filter(None, text.strip().split("\n\n")):
        yield f"<p>{_inline(paragraph)}</p>"


def _inline(text: str) -> str:
    """Text with what stands between back-ticks as code."""
    pieces = escape(text).replace("``", "`").split("`")
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="{escape(operation["operationId"])}">'
    yield f'<h3><code><span class="method">{method.upper()}</span>{escape(path)}</code></h3>'
    yield f"<p><strong>{escape(operation.get('summary', ''))}</strong></p>"
    yield from _paragraphs(operation.get("description", ""))
    scopes = [scope for need in operation.get("security", []) for scope in need.get("token", [])]
    if scopes:
        yield f"<p>Scope: <code>{escape(', '.join(scopes))}</code></p>"
    yield from _parameters(operation.get("parameters", []))
    if "requestBody" in operation:
        yield "<h4>Request</h4>"
        yield from _content(operation["requestBody"]["content"])
    for status, response in operation["responses"].items():
        yield f"<h4>{escape(status)} {_inline(response.get('description', ''))}</h4>"
        if status.startswith("2"):
            yield from _content(response.get("content", {}))
    yield "</section>"


def _parameters(parameters: list[Mapping[str, Any]]) -> Iterator[str]:
    if not parameters:
        return
    yield "<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>"
    for parameter in parameters:
        meaning = parameter.get("description", "") or _kind(parameter["schema"])
        name = escape(parameter["name"]) + (" *" if parameter.get("required") else "")
        yield f"<tr><td><code>{name}</code></td><td>{escape(parameter['in'])}</td><td>{_inline(meaning)}</td></tr>"
    yield "</table>"


def _content(content: Mapping[str, Any]) -> Iterator[str]:
    for media_type, media in content.items():
        name = media.get("schema", {}).get("$ref", "").removeprefix(_REFERENCE)
        link = f' <a href="#model-{escape(name)}">{escape(name)}</a>' if name else ""
        yield f"<p><code>{escape(media_type)}</code>{link}</p>"
        if "example" in media:
            yield f"<pre>{escape(_text(media['example']))}</pre>"


def _text(example: Any) -> str:
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)


def _model(name: str, model: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="model-{escape(name)}"><h3><code>{escape(name)}</code></h3>'
    yield from _paragraphs(model.get("description", ""))
    if "enum" in model:
        yield f"<p>{', '.join(f'<code>{escape(str(value))}</code>' for value in model['enum'])}</p>"
    if "properties" in model:
        yield "<table><tr><th>Member</th><th>Type</th><th>Meaning</th></tr>"
        for member, value in model["properties"].items():
            required = " *" if member in model.get("required", []) else ""
            cells = (f"<code>{escape(member)}{required}</code>", _kind(value), _inline(value.get("description", "")))
            yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        yield "</table>"
    yield "</section>"


def _kind(value: Mapping[str, Any]) -> str:
    """A type in a few words."""
    if "$ref" in value:
        name = escape(value["$ref"].removeprefix(_REFERENCE))
        return f'<a href="#model-{name}">{name}</a>'
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"])
    if value.get("type") == "array":
        return f"list of {_kind(value.get('items', {}))}"
    return escape(str(value.get("format") or value.get("type") or "any"))
