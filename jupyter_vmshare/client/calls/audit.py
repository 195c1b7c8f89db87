"""The audit trail, as far as the caller may read it."""

from __future__ import annotations

from datetime import datetime

from jupyter_vmshare.client.call import Call, Paged, get
from jupyterhub_vmshare.api.contract.audit import AuditEvent, AuditPage, AuditVerdict


def audit(
    person: str | None = None,
    thing: str | None = None,
    verb: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Paged[AuditEvent]:
    """Events, newest first: by or told to ``person``, whose type begins with ``verb``."""
    asked = {"person": person, "thing": thing, "verb": verb}
    span = {
        name: None if moment is None else moment.isoformat()
        for name, moment in (("since", since), ("until", until))
    }
    return Paged(
        lambda after: get("audit", AuditPage, **asked, **span, after=after),
        lambda page: list(page.items),
    )


def verify_audit(head: str | None = None) -> Call[AuditVerdict]:
    """Walk the whole trail, and hold it to a head that was noted down earlier."""
    return get("audit/verification", AuditVerdict, head=head)
