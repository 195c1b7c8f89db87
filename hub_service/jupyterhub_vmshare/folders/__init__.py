"""Folders: their names, their life from making to deleting, and how each person's list looks."""
