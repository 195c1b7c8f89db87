"""The share-agent: the one part that is root. It mounts, and keeps a guard running.

It takes ids and levels from the hub service, never a path, and lets nobody else say anything. Read
it in this order: `server` (who may say what), `sessions` and `fulfilling` (what is done), `views`
and `trees` (what root touches), `guard` and `control` (the other process), `orders` (what outlives
the agent).
"""
