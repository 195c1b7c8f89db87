"""Pods: the real spawner's, and the manifests of deploy/, as Kubernetes itself describes them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.config import kube_config
from kubernetes_validate.utils import validate
from kubespawner.spawner import KubeSpawner
from traitlets.config import Config

from jupyterhub_vmshare.configure import configure
from tests.fixtures.hub_process import ROOT
from tests.mounts.sessions.conftest import VIEW, ScriptedService

pytestmark = pytest.mark.asyncio

BECAUSE = "VMSHARE_MOUNTS_BECAUSE"
DEPLOY = ROOT / "deploy/kubernetes"
VOLUME = {
    "name": "vmshare-view",
    "hostPath": {"path": VIEW, "type": "DirectoryOrCreate"},
}
MOUNT = {
    "name": "vmshare-view",
    "mountPath": "/srv/vmshare-view",
    "mountPropagation": "HostToContainer",
}


CLUSTER = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "none",
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "none", "user": {}}],
}


@pytest.fixture(autouse=True)
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that nobody asks anything."""
    (tmp_path / "config").write_text(yaml.safe_dump(CLUSTER))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config"))


class Pod(KubeSpawner):
    """As the hub has it; the rest of the hub is not there."""

    def get_env(self) -> dict[str, str]:
        return {str(name): str(value) for name, value in self.environment.items()}

    def get_args(self) -> list[str]:
        return []


def spawner(c: Config) -> Any:
    user = SimpleNamespace(id=1, name="ben", url="/user/ben", escaped_name="ben")
    user.server_url = lambda name: ""
    hub = SimpleNamespace(base_url="/hub/", api_url="http://hub:8081/hub/api", port=8081)
    hub.public_host, hub.url = "", "http://hub:8081"
    orm = SimpleNamespace(name="", server=None)
    kind: Any = Pod
    return kind(config=c, user=user, hub=hub, orm_spawner=orm)


async def manifest(ben: Any) -> dict[str, Any]:
    """The pod of a session, as it is sent; a valid one."""
    client = ApiClient.__new__(ApiClient)  # it would look for a cluster
    pod: dict[str, Any] = client.sanitize_for_serialization(await ben.get_pod_manifest())
    validate(pod, "1.37", strict=True)
    return pod


async def started(service: ScriptedService, c: Config | None = None, **more: Any) -> Any:
    """Ben, whose pod is about to be made."""
    c = Config() if c is None else c
    told: dict[str, Any] = {"session_node": lambda spawner: "node1", **more}
    configure(c, url=service.url, api_token="t" * 32, **told)
    ben = spawner(c)
    await ben.run_pre_spawn_hook()
    return ben


OWN: dict[str, Any] = {"name": "home", "emptyDir": {}}
OWN_MOUNT = {"name": "home", "mountPath": "/home/jovyan"}


@pytest.mark.scenario("M1")
@pytest.mark.parametrize(
    "present",
    [
        pytest.param(lambda one: [one], id="lists"),
        pytest.param(lambda one: {"own": one}, id="dictionaries"),
    ],
)
async def test_a_pod_gets_the_view_and_what_is_mounted_in_it_later(
    service: ScriptedService, present: Any
) -> None:
    c = Config()
    c.KubeSpawner.volumes, c.KubeSpawner.volume_mounts = present(OWN), present(OWN_MOUNT)
    c.KubeSpawner.node_selector = {"disk": "fast"}
    ben = await started(service, c)
    spec = (await manifest(ben))["spec"]
    [container] = spec["containers"]
    assert VOLUME in spec["volumes"] and OWN in spec["volumes"]
    assert MOUNT in container["volumeMounts"] and OWN_MOUNT in container["volumeMounts"]
    assert spec["nodeSelector"] == {"disk": "fast", "kubernetes.io/hostname": "node1"}
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert {"name": "VMSHARE_VIEW", "value": "/srv/vmshare-view/m"} in container["env"]
    [(_, told, _)] = service.told
    assert (told["node"], told["uid"], told["gid"]) == ("node1", 1000, 100)
    await ben.run_post_stop_hook()
    assert (ben.volumes, ben.volume_mounts) == (present(OWN), present(OWN_MOUNT))
    assert ben.node_selector == {"disk": "fast"} and ben.pod_security_context == {}


async def test_a_pod_of_which_nobody_knows_the_node_starts_without(
    service: ScriptedService,
) -> None:
    ben = await started(service, session_node=lambda spawner: None)
    assert "session_node" in ben.environment[BECAUSE]
    assert service.told == []
    assert VOLUME not in (await manifest(ben))["spec"].get("volumes", [])


@pytest.mark.scenario("M7")
@pytest.mark.parametrize(
    ("trait", "value"),
    [
        pytest.param("privileged", True, id="privileged"),
        pytest.param("allow_privilege_escalation", True, id="may gain rights"),
        pytest.param(
            "container_security_context", {"capabilities": {"add": ["SYS_ADMIN"]}}, id="may mount"
        ),
        pytest.param(
            "pod_security_context", {"seccompProfile": {"type": "Unconfined"}}, id="no filter"
        ),
        pytest.param("extra_pod_config", {"hostPID": True}, id="sees the node's processes"),
    ],
)
async def test_a_pod_with_the_nodes_rights_gets_none(
    service: ScriptedService, trait: str, value: Any
) -> None:
    c = Config()
    c.KubeSpawner[trait] = value
    ben = await started(service, c)
    assert "rights of the machine" in ben.environment[BECAUSE]
    assert service.told == []


# --- what operators apply ---


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


@pytest.mark.parametrize("name", ["daemonset.yaml", "service.yaml"])
async def test_a_manifest_is_valid(name: str) -> None:
    for document in documents(name):
        for version in ("1.31", "1.37"):
            validate(document, version, strict=True)


async def test_the_agent_hands_its_mounts_on_to_the_node() -> None:
    [daemons] = documents("daemonset.yaml")
    spec = daemons["spec"]["template"]["spec"]
    agent, link = spec["containers"]
    run = next(mount for mount in agent["volumeMounts"] if mount["name"] == "run")
    assert run == {
        "name": "run",
        "mountPath": "/run/vmshare",
        "mountPropagation": "Bidirectional",
    }
    assert agent["securityContext"]["privileged"], "Kubernetes asks for it with Bidirectional"
    assert link["securityContext"]["runAsNonRoot"] and "--node=$(NODE)" in link["command"]
    [path] = [v["hostPath"]["path"] for v in spec["volumes"] if v["name"] == "run"]
    assert VIEW.startswith(f"{path}/views/"), "where pods look for their views"


async def test_the_database_is_on_no_network_file_system_and_in_one_pod() -> None:
    made = documents("service.yaml")
    [service] = [one["spec"]["template"]["spec"] for one in made if one["kind"] == "Deployment"]
    [container] = service["containers"]
    paths = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    claims = {v["name"]: v["persistentVolumeClaim"]["claimName"] for v in service["volumes"]}
    modes = {
        one["metadata"]["name"]: one["spec"]["accessModes"]
        for one in made
        if one["kind"] == "PersistentVolumeClaim"
    }
    [data] = [one["value"] for one in container["env"] if one["name"] == "VMSHARE_DATA_DIR"]
    assert modes[claims[paths[data]]] == ["ReadWriteOncePod"]
    store = claims[paths[f"{data}/store"]]
    assert modes[store] == ["ReadWriteMany"]
    [daemons] = documents("daemonset.yaml")
    agents = daemons["spec"]["template"]["spec"]["volumes"]
    assert [v["persistentVolumeClaim"]["claimName"] for v in agents if v["name"] == "store"] == [
        store
    ]


async def test_the_values_for_z2jh_configure_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    [values] = documents("z2jh-values.yaml")
    monkeypatch.setenv("VMSHARE_TOKEN", "t" * 64)
    told: dict[str, Any] = {"c": Config()}
    exec(values["hub"]["extraConfig"]["vmshare"], told)  # noqa: S102 (it is ours)
    [service] = told["c"].JupyterHub.services
    assert (service["name"], service["url"]) == ("vmshare", "http://vmshare:8780")
    assert "command" not in service
    [port] = values["singleuser"]["networkPolicy"]["egress"][0]["ports"]
    [listens] = [d["spec"]["ports"][0] for d in documents("service.yaml") if d["kind"] == "Service"]
    assert port["port"] == listens["port"]
