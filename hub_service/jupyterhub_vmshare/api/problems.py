"""Errors as RFC 9457 problems, in one place."""

from __future__ import annotations

from http.client import responses

from pydantic import ValidationError

from jupyterhub_vmshare.api.contract.base import FieldError, Problem
from jupyterhub_vmshare.errors import BadInput, NameTaken, QuotaExceeded, VMShareError

_TYPE = "urn:jupyter-vmshare:problem:"


class InvalidFields(BadInput):
    """A body or query that does not fit its model; names each field that is wrong."""

    code = "invalid-fields"

    def __init__(self, errors: list[FieldError]) -> None:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first.where}: {first.message}{more}")
        self.errors = errors

    @classmethod
    def of(cls, error: ValidationError) -> InvalidFields:
        """The same, without the values: what was refused may be a secret."""
        return cls(
            [
                FieldError(where=".".join(map(str, item["loc"])) or "body", message=item["msg"])
                for item in error.errors(include_url=False, include_input=False)
            ]
        )


def problem(error: VMShareError, request_id: str | None = None) -> Problem:
    """The problem that tells of ``error``."""
    return Problem(
        type=_TYPE + error.code,
        title=responses.get(error.status, "Error"),
        status=error.status,
        code=error.code,
        detail=error.message,
        rule=error.rule,
        because=error.message if error.rule else None,
        suggestion=error.suggestion if isinstance(error, NameTaken) else None,
        asked=error.asked if isinstance(error, QuotaExceeded) else None,
        left=error.left if isinstance(error, QuotaExceeded) else None,
        request_id=request_id,
        errors=error.errors if isinstance(error, InvalidFields) else [],
    )


def plain_problem(status: int, code: str, detail: str, request_id: str | None) -> Problem:
    """A problem for what tornado itself refuses."""
    return Problem(
        type=_TYPE + code,
        title=responses.get(status, "Error"),
        status=status,
        code=code,
        detail=detail,
        request_id=request_id,
    )
