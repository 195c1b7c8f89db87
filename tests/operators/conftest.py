"""What hub admins and administrators of projects look at, over the API."""

from tests.projects.conftest import ProjectLab, lab

__all__ = ["ProjectLab", "lab"]
