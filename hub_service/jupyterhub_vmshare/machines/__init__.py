"""Machines, drives and snapshots: what is wanted of them, and who may want it."""
