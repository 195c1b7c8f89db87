"""``jupyterhub-vmshare``: the operator's command."""

from jupyterhub_vmshare.commands import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
