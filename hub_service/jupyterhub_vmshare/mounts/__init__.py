"""Folders in running sessions: what should be mounted where, and the agents that do it.

Importing this room imports nothing else: the agent runs as root, and has no database.
"""
