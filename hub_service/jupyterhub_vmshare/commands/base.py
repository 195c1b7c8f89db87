"""What every command that touches the service's data is told."""

from __future__ import annotations

import os
from pathlib import Path

from traitlets import Unicode, default
from traitlets.config import Application, Config

from jupyterhub_vmshare import __version__


class DataCommand(Application):
    """A command on the service's database and store."""

    name = "jupyterhub-vmshare"
    version = __version__
    aliases = {
        "config": "DataCommand.config_file",
        "data": "DataCommand.data_dir",
        "db": "DataCommand.db_url",
        "log-level": "Application.log_level",
    }

    config_file = Unicode(
        help="A Python file with more configuration (c.Serve.…). None is read when this is empty."
    ).tag(config=True)
    data_dir = Unicode(
        help="""The directory of everything the service keeps: the database, unless db_url names
        another, and the folder store. Relative to where the service is started (for a service
        that the hub starts: the hub's directory). It should belong to the service's own account
        and nobody else should get in. Since 0.1."""
    ).tag(config=True)
    db_url = Unicode(
        help="""The database, as SQLAlchemy writes it: sqlite:////path/to/file, or
        postgresql://user@host/name for several replicas. A password belongs into the environment
        variable PGPASSWORD or a .pgpass file. Empty: SQLite in data_dir. Since 0.1."""
    ).tag(config=True)

    @default("data_dir")
    def _default_data_dir(self) -> str:
        return os.environ.get("VMSHARE_DATA_DIR", "vmshare-data")

    @default("db_url")
    def _default_db_url(self) -> str:
        return os.environ.get("VMSHARE_DB_URL", "")

    @property
    def database_url(self) -> str:
        """``db_url``, or the SQLite file in ``data_dir``; the directory is made private."""
        if self.db_url:
            return self.db_url
        data = Path(self.data_dir).absolute()
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return f"sqlite:///{data / 'vmshare.sqlite'}"

    def initialize(self, argv: list[str] | None = None) -> None:
        super().initialize(argv)
        if self.config_file:
            path = Path(self.config_file).absolute()
            command_line = Config(self.config)
            self.load_config_file(path.stem, path=str(path.parent))
            self.update_config(command_line)

    def fail(self, sentence: str, code: int = 1) -> None:
        """End with a sentence on stderr."""
        self.log.error("%s", sentence)
        self.exit(code)
