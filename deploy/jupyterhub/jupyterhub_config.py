"""A hub with shared folders in running sessions: one machine, a Unix account a person.

An example to copy from. Beside it run, as root, deploy/systemd/jupyterhub-vmshare-agent.service,
with the same VMSHARE_DATA_DIR. Then: jupyterhub-vmshare configure --check -f jupyterhub_config.py
"""

# ruff: noqa: F821  (JupyterHub provides get_config)
from __future__ import annotations

from jupyterhub_vmshare.configure import SERVICE_NAME, configure

c = get_config()  # type: ignore[name-defined]

# People sign in with their accounts on this machine, and their servers run under them.
c.JupyterHub.authenticator_class = "pam"
c.JupyterHub.spawner_class = "local"
c.Authenticator.allow_all = True
c.Spawner.default_url = "/lab"

# A restart of the hub leaves people's servers, and what is mounted in them, alone.
c.JupyterHub.cleanup_servers = False

# Behind a proxy that speaks https, with a name for each server: one origin is no full boundary.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.public_url = "https://hub.example.org/"
c.JupyterHub.subdomain_host = "https://hub.example.org"

# After everything else about roles, services, hooks and scopes.
configure(c, environment={"VMSHARE_DATA_DIR": "/srv/vmshare"})

# The store belongs to an account of the service's own, which no session runs as:
#   useradd --system --home-dir /srv/vmshare --create-home vmshare && chmod 700 /srv/vmshare
for service in c.JupyterHub.services:
    if service["name"] == SERVICE_NAME:
        service |= {"user": "vmshare", "cwd": "/srv/vmshare"}
