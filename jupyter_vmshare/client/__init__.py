"""The one client of the VMShare service, synchronous and asynchronous, typed."""

from jupyter_vmshare.client.address import Address, service_address, service_token
from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.errors import (
    BadInput,
    BrokenOff,
    ChangedMeanwhile,
    Conflict,
    NameTaken,
    NotAllowed,
    NotConfigured,
    NotFound,
    NotMounted,
    NotSignedIn,
    ServiceFailed,
    ServiceUnreachable,
    StoreFull,
    TooManyRequests,
    VMShareError,
    WrongState,
)
from jupyter_vmshare.client.retries import Backoff, Retries
from jupyter_vmshare.client.sync import Client
from jupyter_vmshare.client.transfer import Progress, Received, Sent

__all__ = [
    "Address",
    "AsyncClient",
    "Backoff",
    "BadInput",
    "BrokenOff",
    "ChangedMeanwhile",
    "Client",
    "Conflict",
    "NameTaken",
    "NotAllowed",
    "NotConfigured",
    "NotFound",
    "NotMounted",
    "NotSignedIn",
    "Progress",
    "Received",
    "Retries",
    "Sent",
    "ServiceFailed",
    "ServiceUnreachable",
    "StoreFull",
    "TooManyRequests",
    "VMShareError",
    "WrongState",
    "service_address",
    "service_token",
]
