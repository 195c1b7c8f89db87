"""Grants, invitations and lineage: one life cycle for machines, drives and folders (D1).

Every verb here works inside the caller's transaction, holds the thing's row while it decides and
acts, and records its events beside the change.
"""
