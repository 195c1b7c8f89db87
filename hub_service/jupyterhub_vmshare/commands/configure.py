"""``jupyterhub-vmshare configure --check -f jupyterhub_config.py``."""

from __future__ import annotations

from traitlets import Bool, Unicode
from traitlets.config import Application

from jupyterhub_vmshare import __version__
from jupyterhub_vmshare.configure_check import Finding, check

_MARKS = {"set": "ok     ", "warning": "warning", "problem": "PROBLEM"}


class CheckConfiguration(Application):
    """Says what a hub's configuration sets for the service, and what it leaves open."""

    name = "jupyterhub-vmshare configure"
    description = (
        "configure --check: say what a jupyterhub_config.py sets, and what it leaves open."
    )
    version = __version__
    aliases = {"f": "CheckConfiguration.config_file", "config": "CheckConfiguration.config_file"}
    flags = {"check": ({"CheckConfiguration": {"check": True}}, "Check the configuration.")}

    check = Bool(False, help="Check the configuration.").tag(config=True)
    config_file = Unicode(
        "jupyterhub_config.py",
        help="The hub's configuration. Checking runs it, as the hub does.",
    ).tag(config=True)

    def start(self) -> None:
        """Print the findings; exit 1 if something will not work."""
        if not self.check:
            print("Say: jupyterhub-vmshare configure --check -f jupyterhub_config.py")
            self.exit(2)
        try:
            findings = check(self.config_file)
        except OSError as error:
            print(f"{self.config_file} can't be read: {error.strerror or error}")
            self.exit(2)
        for finding in findings:
            print(_line(finding))
        self.exit(1 if any(finding.severity == "problem" for finding in findings) else 0)


def _line(finding: Finding) -> str:
    return f"{_MARKS[finding.severity]}  {finding.message} [{finding.code}]"
