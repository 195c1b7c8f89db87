"""The demonstration's hub. ``run.py`` starts it, and hands over what differs in VMSHARE_DEMO."""

# ruff: noqa: F821  (JupyterHub provides get_config)
from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from deploy.demo.people import HUB_ADMIN, PEOPLE, SERVICE_ACCOUNT, TEAMS
from jupyterhub_vmshare.configure import SERVICE_NAME, configure

c = get_config()  # type: ignore[name-defined]
demo = json.loads(os.environ.pop("VMSHARE_DEMO"))
here = Path(demo["directory"])

c.JupyterHub.bind_url = demo["url"]
c.JupyterHub.hub_bind_url = demo["hub_url"]
c.ConfigurableHTTPProxy.api_url = demo["proxy_api_url"]
c.ConfigurableHTTPProxy.command = demo["proxy_command"]
c.JupyterHub.db_url = f"sqlite:///{here / 'hub' / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(here / "hub" / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(here / "hub" / "proxy.pid")

# One password for everybody: this is for looking at, on loopback. root-hub's is longer, because
# JupyterHub asks that of administrators.
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = demo["password"]
c.SharedPasswordAuthenticator.admin_password = demo["admin_password"]
c.Authenticator.allowed_users = set(PEOPLE)
c.Authenticator.admin_users = {HUB_ADMIN}
c.JupyterHub.load_groups = {team: {"users": members} for team, members in TEAMS.items()}

if demo["accounts"]:
    c.JupyterHub.spawner_class = "deploy.demo.spawner.AccountSpawner"
    c.AccountSpawner.homes = str(here / "homes")
else:
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = str(here / "homes" / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.default_url = "/lab"
if os.geteuid() == 0 and not demo["accounts"]:
    c.Spawner.args = ["--allow-root"]
# Without the question whether one wants Jupyter's news.
c.Spawner.environment = {"JUPYTER_CONFIG_PATH": str(Path(__file__).with_name("jupyter"))}

# run.py puts ana's first folder there through the service's API, for which it acts as ana.
c.JupyterHub.services = [{"name": "demonstration", "api_token": demo["seed_token"]}]
c.JupyterHub.load_roles = [
    # People may share their servers: then one sees what a guest gets to see.
    {"name": "user", "scopes": ["self", "shares!user", "read:users:name", "read:groups:name"]},
    {"name": "demonstration", "scopes": ["tokens"], "services": ["demonstration"]},
]
serve = [sys.executable, "-m", "jupyterhub_vmshare", "serve"]
configure(
    c,
    url=demo["service_url"],
    environment={
        "VMSHARE_DATA_DIR": str(here / "service" / "data"),
        "VMSHARE_SEALING_KEY": demo["sealing_key"],
    },
    command=[
        *serve,
        f"--Serve.agent_socket={demo['agent_socket']}",
        f"--Serve.cloud_address={demo['keeper_socket']}",
    ],
    cloud=demo["cloud"],
    relay=demo["relay"] if demo["keeper_socket"] else None,
    relay_listens=demo["relay"],
    # Mounts are what one wants to see here, also where everything is slow at first.
    mounts_deadline=20,
    hidden_from_sessions=[os.path.dirname(demo["agent_socket"])] if demo["agent_socket"] else [],
)
if demo["accounts"]:
    for service in c.JupyterHub.services:
        if service["name"] in (SERVICE_NAME, f"{SERVICE_NAME}-relay"):
            service |= {"user": SERVICE_ACCOUNT, "cwd": str(here / "service")}
