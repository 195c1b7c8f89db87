"""The Jupyter Server extension: forwards what the panel asks to the hub service."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir, jupyter_runtime_dir
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.gateway.managers import GatewayMappingKernelManager
from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from traitlets import Float, Unicode

from jupyter_vmshare import checkpoints
from jupyter_vmshare.events import KERNEL, KERNEL_SCHEMA, KERNELSPECS, KERNELSPECS_SCHEMA
from jupyter_vmshare.file_changes import change_shared_files_as_they_can_be
from jupyter_vmshare.kernels import adopting
from jupyter_vmshare.kernels.keeping import Keeper
from jupyter_vmshare.kernels.news import News, board
from jupyter_vmshare.kernels.specs import MachineKernels, kept_in, offer_those_of_machines
from jupyter_vmshare.routes.contract import Contract
from jupyter_vmshare.routes.events import Events
from jupyter_vmshare.routes.forward import Forward
from jupyter_vmshare.routes.gateway import SETTING, Gateway
from jupyter_vmshare.routes.kernels import Kernels
from jupyter_vmshare.routes.machine_files import (
    ID,
    MachineDirectories,
    MachineDownload,
    MachineEntries,
    MachineEntry,
    MachineMoves,
)
from jupyter_vmshare.routes.machine_uploads import MachineFile
from jupyter_vmshare.routes.session import Session
from jupyter_vmshare.routes.shown import SETTING as SHOWN
from jupyter_vmshare.routes.shown import Shown
from jupyter_vmshare.routes.terminals import Terminals
from jupyter_vmshare.shared_dir import SharedDir
from jupyter_vmshare.shared_link import link_view
from jupyter_vmshare.shell.ledger import Ledger
from jupyter_vmshare.shell.manager import have_them_on_machines
from jupyter_vmshare.shown.keeping import ShownFolders


class VMShareExtension(ExtensionApp):
    """Forwards what the panel asks to the hub service, as the person who asks.

    Without a JupyterHub it loads and says that there is nothing to share with.
    """

    name = "jupyter_vmshare"
    app_name = "Jupyter VMShare"
    description = "Share machines and folders."

    _machine_kernels: MachineKernels | None = None
    _stop_telling: Callable[[], None] | None = None
    _keeper: Keeper | None = None
    _shown: ShownFolders | None = None

    service_url = Unicode(
        "",
        help="""Where the VMShare service is, as this notebook server reaches it: an absolute URL
        such as http://10.0.0.5:10201/services/vmshare/, or a path on the hub's public address.
        Empty (the default) means: the environment variable VMSHARE_SERVICE_URL, which the
        service's configure(c) sets; else services/vmshare/ on the hub's public address
        (JUPYTERHUB_PUBLIC_HUB_URL, or Zero to JupyterHub's PROXY_PUBLIC_SERVICE_HOST).
        Since 0.1.""",
    ).tag(config=True)

    answer_timeout = Float(
        60.0,
        min=1.0,
        help="""Seconds that the service may stay silent before a request to it is given up:
        before its answer begins, between two pieces of it, and while it takes no more of an
        upload. It limits no transfer that goes on. 0 and None make no sense here. Since 0.1.""",
    ).tag(config=True)

    def _link_jupyter_server_extension(self, serverapp: Any) -> None:
        """Called before the server makes its parts: the last moment to choose checkpoints."""
        super()._link_jupyter_server_extension(serverapp)
        link_view(serverapp.root_dir)
        if SharedDir.of_session().path is not None:
            manager = serverapp.contents_manager_class
            serverapp.update_config(checkpoints.switch_on(serverapp.config, manager))

    def initialize_settings(self) -> None:
        """Make the gateway that all routes share."""
        if SharedDir.of_session().path is not None:
            change_shared_files_as_they_can_be(self.settings["contents_manager"])
        gateway = Gateway(self.service_url, self.answer_timeout, Contract.shipped())
        self.settings[SETTING] = gateway
        if gateway.address is not None:
            self.log.info("VMShare service at %s (%s)", gateway.address.url, gateway.address.source)
            kept = kept_in(Path(jupyter_data_dir()))
            self._machine_kernels = MachineKernels(kept, gateway.address.url)
            offer_those_of_machines(self.settings["kernel_spec_manager"], self._machine_kernels)
            self._tell_of_kernels(self._machine_kernels)
            self._find_kernels_again()
            self._show_folders(gateway.address.url)
            # The server's extension for terminals may be loaded after this one.
            serverapp: Any = self.serverapp
            serverapp.io_loop.add_callback(self._have_terminals, gateway.address.url)

    def _show_folders(self, service: str) -> None:
        """On the machines that the person chose, while this session has them."""
        shared = SharedDir.of_session().path
        if shared is not None:
            name = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
            self._shown = self.settings[SHOWN] = ShownFolders(service, shared, name)
            self._shown.start()

    def _have_terminals(self, service_url: str) -> None:
        """Terminals on machines, unless the operator has switched terminals off."""
        manager = self.settings.get("terminal_manager")
        if manager is not None:
            name = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
            ledger = Ledger.of_server(Path(jupyter_data_dir()), name)
            have_them_on_machines(manager, ledger, service_url)

    def _find_kernels_again(self) -> None:
        """Those that the last server, which was killed, has left on machines."""
        kernels, sessions = self.settings["kernel_manager"], self.settings["session_manager"]
        if isinstance(kernels, MappingKernelManager) and not isinstance(
            kernels, GatewayMappingKernelManager
        ):
            name = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
            self._keeper = Keeper(Path(jupyter_runtime_dir()), name)
            adopting.begin(self._keeper, kernels, sessions)

    def _tell_of_kernels(self, kernels: MachineKernels) -> None:
        """Emit what becomes of the kernels on machines, which live in a thread of their own."""
        server: Any = self.serverapp
        server.event_logger.register_event_schema(KERNEL_SCHEMA)
        server.event_logger.register_event_schema(KERNELSPECS_SCHEMA)

        def emit(schema: str, data: dict[str, Any]) -> None:
            server.io_loop.add_callback(server.event_logger.emit, schema_id=schema, data=data)

        def tell(news: News) -> None:
            emit(KERNEL, news.told())

        self._stop_telling = board.listen(tell)
        kernels.changed = lambda: emit(KERNELSPECS, {})

    def initialize_handlers(self) -> None:
        """Register the routes."""
        routes: list[tuple[Any, ...]] = [
            (r"vmshare/session", Session),
            (r"vmshare/events", Events),
            (r"vmshare/kernels", Kernels),
            (r"vmshare/shown", Shown),
            (r"vmshare/terminals", Terminals),
            (r"vmshare/api/.*", Forward),
            (rf"vmshare/machines/{ID}/entries", MachineEntries),
            (rf"vmshare/machines/{ID}/entry", MachineEntry),
            (rf"vmshare/machines/{ID}/download", MachineDownload),
            (rf"vmshare/machines/{ID}/directories", MachineDirectories),
            (rf"vmshare/machines/{ID}/moves", MachineMoves),
            (rf"vmshare/machines/{ID}/file", MachineFile),
        ]
        self.handlers.extend(routes)

    async def stop_extension(self) -> None:
        """Close what is open to the service."""
        if self._shown is not None:
            await self._shown.stop()
        if self._keeper is not None:
            adopting.end(self._keeper)
        if self._stop_telling is not None:
            self._stop_telling()
        if self._machine_kernels is not None:
            self._machine_kernels.stop()
        if SETTING in self.settings:
            self.settings[SETTING].streams.close()
            await self.settings[SETTING].links.close()
