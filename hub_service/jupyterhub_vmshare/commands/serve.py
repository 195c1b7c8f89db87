"""``jupyterhub-vmshare serve``: run the service until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlparse

from traitlets import Bool, Float, Int, List, Tuple, Unicode, default

from jupyterhub_vmshare.app import Service, Settings
from jupyterhub_vmshare.cloud.port import Cloud
from jupyterhub_vmshare.clouds import cloud_named
from jupyterhub_vmshare.commands.authorities import SEALING_FILE
from jupyterhub_vmshare.commands.base import DataCommand
from jupyterhub_vmshare.folders.quota import Limits
from jupyterhub_vmshare.machines.room import MachineRules
from jupyterhub_vmshare.machines.uids import UidRange
from jupyterhub_vmshare.mounts.node_keys import NodeKeys, secret_in
from jupyterhub_vmshare.observe.logs import configure_logs
from jupyterhub_vmshare.people.membership import TeamChoice
from jupyterhub_vmshare.relay.relay_keys import RelayKeys, relays_secret
from jupyterhub_vmshare.relay.sealing import NotSealed, Sealing, sealing_of
from jupyterhub_vmshare.relay.ways import RelayAddress


class Serve(DataCommand):
    """The service, as the hub starts it, or by yourself beside the hub."""

    description = "Run the VMShare service. Under a hub everything is found in the environment."
    aliases = {**DataCommand.aliases, "address": "Serve.address"}

    address = Unicode(
        help="""Where to listen: host:port, or unix:/path. The hub's proxy must reach it; nobody
        else needs to. Default: what JUPYTERHUB_SERVICE_URL says, else 127.0.0.1:8780. Since 0.1."""
    ).tag(config=True)
    hub_api_url = Unicode(help="The hub's REST API. Default: JUPYTERHUB_API_URL. Since 0.1.").tag(
        config=True
    )
    team_groups = List(
        Unicode(),
        ["*"],
        help="Hub groups that count as teams, as shell patterns. Empty: none. Since 0.1.",
    ).tag(config=True)
    not_team_groups = List(
        Unicode(),
        help="Hub groups that do not count, as shell patterns; stronger than team_groups."
        " Since 0.1.",
    ).tag(config=True)
    teams_every = Float(
        30.0, help="Seconds between two looks at the hub's groups; 30 at most. Since 0.1."
    ).tag(config=True)
    lookups_a_minute = Int(
        30,
        min=1,
        help="""How many exact names one person may look up a minute, by searching or inviting,
        once lookups_at_once are used up. Team-mates are not counted. Since 0.1.""",
    ).tag(config=True)
    lookups_at_once = Int(
        200,
        min=1,
        help="""How many exact names one person may look up at once, such as those of everybody in
        a course. They grow again by lookups_a_minute. Since 0.1.""",
    ).tag(config=True)
    set_former_aside = Bool(
        True,
        help="""Whether what somebody had is set aside when their account was deleted in the hub
        and another one has their name: their folders wait for a hub admin to hand them over, what
        they had received has ended. The hub tells by the moment when the account was made. False
        while accounts are made anew for the people who had them, as after the loss of the hub's
        database: then they keep what they have. Since 0.2.""",
    ).tag(config=True)
    most_gigabytes = Float(
        None,
        allow_none=True,
        min=0,
        help="""How many GiB (2**30 bytes) one person's folders may hold together, whoever
        wrote what is in them and the trash included. None: as much as the store has room for. A
        hub admin says otherwise for one person. Since 0.2.""",
    ).tag(config=True)
    most_folders = Int(
        None,
        allow_none=True,
        min=0,
        help="""How many folders one person may own, those in the trash included. None: any
        number. A hub admin says otherwise for one person. Since 0.2.""",
    ).tag(config=True)
    trash_days = Float(
        None,
        allow_none=True,
        min=0,
        help="""After how many days a folder in the trash is deleted for ever. None: when its owner
        deletes it. Since 0.2.""",
    ).tag(config=True)
    agent_socket = Unicode(
        "/run/vmshare/agent.sock",
        help="""The unix socket of this node's mount agent (jupyterhub-vmshare agent), which brings
        folders into running sessions. While nobody answers there, everything else works, and
        people are told why. Empty: folders are mounted nowhere. Since 0.2.""",
    ).tag(config=True)
    nodes = List(
        Unicode(),
        help="""Other nodes whose agents may dial in (jupyterhub-vmshare link), as
        shell patterns of their names. Each shows its key; `jupyterhub-vmshare node-key NAME`
        prints it. Empty: none. Since 0.2.""",
    ).tag(config=True)
    cloud = Unicode(
        help="""Where machines are made: sandbox (namespaces of this host, by
        jupyterhub-vmshare sandboxes), qemu (virtual machines of this host, by jupyterhub-vmshare
        qemu), or an adapter of your own as package.module:function, called with cloud_address.
        Empty: this site offers no machines. Since 0.3."""
    ).tag(config=True)
    cloud_address = Unicode(
        help="""Where the cloud's adapter finds its cloud; for sandboxes and qemu the
        socket of their keeper. Empty: where it is by default. Since 0.3."""
    ).tag(config=True)
    machine_drive_gib = Int(
        10,
        min=0,
        help="""GiB of the drive that comes with a machine, unless its maker says otherwise. 0:
        none. Since 0.3.""",
    ).tag(config=True)
    most_drive_gib = Int(
        None,
        allow_none=True,
        min=1,
        help="GiB of the largest drive that people may make. None: what the cloud lets. Since 0.3.",
    ).tag(config=True)
    machine_idle_minutes = Int(
        None,
        allow_none=True,
        min=5,
        help="""Minutes without use after which new machines stop; their owners may say otherwise.
        None: never. Since 0.3.""",
    ).tag(config=True)
    machine_uids = Tuple(
        Int(min=1000),
        Int(min=1000),
        default_value=(20_000, 59_999),
        help="""The first and the last Unix uid that people get on machines: one a person for all
        machines, and never another's. Sandboxes take none above 65,535. Since 0.3.""",
    ).tag(config=True)
    relays = List(
        Unicode(),
        ["relay"],
        help="""Which relays (jupyterhub-vmshare relay) may ask who may use which machine, as shell
        patterns of their names. Each shows its key; `jupyterhub-vmshare relay-key NAME` prints it.
        Since 0.3.""",
    ).tag(config=True)
    relay_address = Unicode(
        help="""Where people reach the relay, as host:port. Empty: machines can't be reached by
        SSH. Since 0.3."""
    ).tag(config=True)
    sealing_key_file = Unicode(
        SEALING_FILE,
        help="""Where the key is under which certificate authorities lie in the database; nobody
        else may read it. VMSHARE_SEALING_KEY is stronger. `jupyterhub-vmshare ca new-key` prints
        one. Without it no certificate for a machine is signed. Since 0.3.""",
    ).tag(config=True)
    cut_within = Float(
        1.0,
        min=0,
        help="""Seconds that the answer to a revoke, or to a lower level, waits until running
        sessions are cut. What takes longer is said to be under way. Since 0.2.""",
    ).tag(config=True)
    grace = Float(
        10.0, min=0, help="Seconds that requests under way get at shutdown. Since 0.1."
    ).tag(config=True)
    upgrade_database = Bool(
        True, help="Bring the database to this version at start, under a lock. Since 0.1."
    ).tag(config=True)

    @default("address")
    def _default_address(self) -> str:
        found = urlparse(os.environ.get("JUPYTERHUB_SERVICE_URL", ""))
        return found.netloc or "127.0.0.1:8780"

    @default("most_gigabytes")
    def _default_most_gigabytes(self) -> float | None:
        found = os.environ.get("VMSHARE_MOST_GIGABYTES")
        return float(found) if found else None

    @default("most_folders")
    def _default_most_folders(self) -> int | None:
        found = os.environ.get("VMSHARE_MOST_FOLDERS")
        return int(found) if found else None

    @default("relay_address")
    def _default_relay_address(self) -> str:
        return os.environ.get("VMSHARE_RELAY_ADDRESS", "")

    @default("cloud")
    def _default_cloud(self) -> str:
        return os.environ.get("VMSHARE_CLOUD", "")

    @default("trash_days")
    def _default_trash_days(self) -> float | None:
        found = os.environ.get("VMSHARE_TRASH_DAYS")
        return float(found) if found else None

    @default("hub_api_url")
    def _default_hub_api_url(self) -> str:
        return os.environ.get("JUPYTERHUB_API_URL", "http://127.0.0.1:8081/hub/api")

    def settings(self) -> Settings:
        """What the service is told, from traits and the hub's environment."""
        token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
        if not token:
            self.fail("JUPYTERHUB_API_TOKEN is not set: the service needs its token of the hub.")
        return Settings(
            db_url=self.database_url,
            store=Path(self.data_dir).absolute() / "store",
            hub_api_url=self.hub_api_url,
            hub_token=token,
            address=self.address,
            prefix=os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/services/vmshare/"),
            client_id=os.environ.get("JUPYTERHUB_CLIENT_ID", "service-vmshare"),
            hub_host=os.environ.get("JUPYTERHUB_HOST", ""),
            hub_prefix=os.environ.get("JUPYTERHUB_BASE_URL", "/"),
            teams=TeamChoice(tuple(self.team_groups), tuple(self.not_team_groups)),
            teams_every=self.teams_every,
            lookups_a_minute=self.lookups_a_minute,
            lookups_at_once=self.lookups_at_once,
            set_former_aside=self.set_former_aside,
            limits=Limits.of_gigabytes(self.most_gigabytes, self.most_folders),
            trash_for=None if self.trash_days is None else timedelta(days=self.trash_days),
            agent_socket=self.agent_socket,
            nodes=self.node_keys(),
            cut_within=self.cut_within,
            cloud=self.machines_cloud(),
            machine_rules=self.machine_rules(),
            sealing=self.sealing(),
            relays=self.relay_keys(),
            relay_address=self.relay(),
            grace=self.grace,
            upgrade_database=self.upgrade_database,
        )

    def machines_cloud(self) -> Cloud | None:
        """Where machines are made."""
        try:
            return cloud_named(self.cloud, self.cloud_address)
        except (ImportError, AttributeError, ValueError) as error:
            self.fail(f"c.Serve.cloud names no cloud that can be used here: {error}")
            raise

    def machine_rules(self) -> MachineRules:
        """What the operator says of machines."""
        return MachineRules(
            drive_gib=self.machine_drive_gib,
            most_drive_gib=self.most_drive_gib,
            idle_minutes=self.machine_idle_minutes,
            uids=UidRange(*self.machine_uids),
        )

    def node_keys(self) -> NodeKeys:
        """Which other nodes are let in."""
        names = tuple(self.nodes)
        return NodeKeys(secret_in(Path(self.data_dir).absolute()), names) if names else NodeKeys()

    def sealing(self) -> Sealing | NotSealed:
        """The operator's key, or why there is none."""
        try:
            return sealing_of(Path(self.sealing_key_file))
        except NotSealed as error:
            return error

    def relay_keys(self) -> RelayKeys:
        """Which relays are let in."""
        if not self.relay_address or not self.relays:
            return RelayKeys()
        own = secret_in(Path(self.data_dir).absolute())
        token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
        of_the_hub = relays_secret(token) if token else b""
        return RelayKeys((own, of_the_hub), tuple(self.relays))

    def relay(self) -> RelayAddress | None:
        """Where people reach it."""
        if not self.relay_address:
            return None
        host, _, port = self.relay_address.rpartition(":")
        if not host or not port.isdecimal():
            self.fail("c.Serve.relay_address is host:port, such as hub.example.org:2222.", 2)
        return RelayAddress(host.strip("[]"), int(port))

    def start(self) -> None:
        asyncio.run(run(self.settings()))


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_logs()
    service = Service(settings)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await service.start()
    # What is there by now stays: going through all of it again and again for garbage took a tenth
    # of the time of every request.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    await ended.wait()
    await service.stop()
