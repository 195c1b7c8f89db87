"""The folder store on a POSIX file system."""

from jupyterhub_vmshare.storage.posix.store import PosixStore

__all__ = ["PosixStore"]
