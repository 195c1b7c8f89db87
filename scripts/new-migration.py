#!/usr/bin/env python3
"""Write the next migration: what tables.py says and the migrations so far do not.

Usage: scripts/new-migration.py "What it does". Read the result before you commit it: alembic can't
see a renamed column, and knows nothing about the rows that are there already.
"""

from __future__ import annotations

import subprocess
import sys

import sqlalchemy as sa
from alembic import command

from jupyterhub_vmshare.db.upgrade import MIGRATIONS, configuration


def main(message: str) -> None:
    number = len(list((MIGRATIONS / "versions").glob("[0-9]*.py"))) + 1
    with sa.create_engine("sqlite://").begin() as connection:
        config = configuration(connection)
        config.attributes["batch"] = number > 1
        command.upgrade(config, "head")
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")
    subprocess.run(["ruff", "format", MIGRATIONS], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
