"""The OpenAPI file, made from the routes and their wire models.

``openapi.json`` beside this file is what it made last; a test holds the two equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from jupyterhub_vmshare import __version__
from jupyterhub_vmshare.api.contract.base import Problem
from jupyterhub_vmshare.api.operation import FORM, HUB_HOOK, PUBLIC, Operation, operation_of
from jupyterhub_vmshare.api.paths import PARAMETERS
from jupyterhub_vmshare.api.route import Route

_REF = "#/components/schemas/{model}"
Json = dict[str, Any]


def build(routes: Iterable[type[Route]]) -> Json:
    """The whole document."""
    found = [(r, m, op) for r in routes for m, op in operations(r)]
    models = _models(op for _, _, op in found)
    _, definitions = models_json_schema(
        [(model, mode) for model, mode in models], ref_template=_REF
    )
    paths: Json = {}
    for route, method, op in found:
        paths.setdefault(route.path, {})[method] = _operation(route, method, op)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Jupyter VMShare",
            "version": __version__,
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": "/services/vmshare/api"}],
        "security": [{"token": []}, {"page": [], "xsrf": []}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": _SECURITY,
        },
    }


_SECURITY = {
    "token": {"type": "http", "scheme": "bearer"},
    "page": {"type": "apiKey", "in": "cookie", "name": "service-vmshare"},
    "xsrf": {"type": "apiKey", "in": "header", "name": "X-XSRFToken"},
    "hub_hook": {"type": "http", "scheme": "bearer"},
}


def stored() -> Json:
    """The document that is shipped."""
    text = files(__package__).joinpath("openapi.json").read_text(encoding="utf-8")
    found: Json = json.loads(text)
    return found


def text_of(document: Json) -> str:
    """As it is written to the file."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def operations(route: type[Route]) -> list[tuple[str, Operation]]:
    """The declared methods of a route, in lower case as OpenAPI writes them."""
    names = [method.lower() for method in route.SUPPORTED_METHODS]
    found = [(name, operation_of(getattr(route, name, None))) for name in names]
    return [(name, op) for name, op in found if op is not None]


def _models(ops: Iterable[Operation]) -> list[tuple[type[BaseModel], Any]]:
    found: dict[tuple[type[BaseModel], str], None] = {(Problem, "serialization"): None}
    for op in ops:
        if op.takes is not None:
            found[op.takes, "validation"] = None
        if op.gives is not None:
            found[op.gives, "serialization"] = None
    return list(found)


def _operation(route: type[Route], method: str, op: Operation) -> Json:
    told: Json = {
        "operationId": f"{method}{route.__name__}",
        "summary": op.summary,
        "x-action": op.action,
        "parameters": _parameters(route, op),
        "responses": _responses(op, has_body=method != "head"),
    }
    if op.action == PUBLIC:
        told["security"] = []
    elif op.action == HUB_HOOK:
        told["security"] = [{"hub_hook": []}]
    if op.takes is not None:
        schema = {"$ref": _REF.format(model=op.takes.__name__)}
        told["requestBody"] = _content("application/json", schema, not op.optional_body)
        if op.as_form:
            told["requestBody"]["content"][FORM] = {"schema": _FORM_SCHEMA}
    elif op.raw_in is not None:
        told["requestBody"] = _content(op.raw_in, {}, not op.optional_body)
    return told


_FORM_SCHEMA: Json = {
    "type": "object",
    "required": ["asked"],
    "properties": {"asked": {"type": "string", "description": "The same as JSON."}},
}


def _content(media: str, schema: Json, required: bool) -> Json:
    return {"required": required, "content": {media: {"schema": schema}}}


def _parameters(route: type[Route], op: Operation) -> list[Json]:
    names = re.findall(r"{(\w+)}", route.path)
    found = [_parameter(name, "path", PARAMETERS[name].schema, True) for name in names]
    if op.query is not None:
        found += _query(op.query)
    if op.once:
        form = {"type": "string", "pattern": "^[!-~]{1,64}$"}
        found.append(_parameter("Idempotency-Key", "header", form, False))
    if op.versioned:
        needed = op.versioned == "needed"
        found.append(_parameter("If-Match", "header", {"type": "string"}, needed))
    return found + list(op.headers)


def _query(model: type[BaseModel]) -> list[Json]:
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", []))
    return [
        _parameter(name, "query", _resolved(form, definitions), name in required)
        for name, form in schema["properties"].items()
    ]


def _resolved(form: Json, definitions: Json) -> Json:
    """A query parameter's schema stands alone: references are written out, null is 'left out'."""
    if "$ref" in form:
        return {**definitions[form["$ref"].rpartition("/")[2]]}
    if "anyOf" in form:
        kept = [choice for choice in form["anyOf"] if choice.get("type") != "null"]
        return _resolved(kept[0], definitions)
    return {key: value for key, value in form.items() if key != "title"}


def _parameter(name: str, where: str, schema: Json, required: bool) -> Json:
    return {"name": name, "in": where, "required": required, "schema": schema}


def _responses(op: Operation, *, has_body: bool) -> Json:
    told: Json = {}
    for status in op.status:
        answer: Json = {"description": op.summary}
        if op.tells:
            answer["headers"] = {name: {"schema": {"type": "string"}} for name in op.tells}
        if op.gives is not None and status != 204:
            schema = {"$ref": _REF.format(model=op.gives.__name__)}
            answer["content"] = {"application/json": {"schema": schema}}
        elif op.raw_out is not None:
            answer["content"] = {op.raw_out: {}}
        told[str(status)] = answer
    for status in _problem_statuses(op):
        schema = {"$ref": _REF.format(model="Problem")}
        content = {"application/problem+json": {"schema": schema}}
        told[str(status)] = {"description": "A problem"}
        if has_body:
            told[str(status)]["content"] = content
    return told


def _problem_statuses(op: Operation) -> list[int]:
    found = {400, 404, 405}
    if op.action != PUBLIC:
        found |= {401, 403, 409, 422, 429, 503}
    if op.takes is not None or op.raw_in is not None:
        found |= {413}
    if op.versioned:
        found |= {412}
    if op.versioned == "needed":
        found |= {428}
    if op.raw_in is not None:
        found |= {412, 507}
    if op.raw_out is not None:
        found |= {416}
    return sorted((found | set(op.problems)) - set(op.status))
