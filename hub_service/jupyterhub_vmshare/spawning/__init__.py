"""What happens inside the hub's process when a session starts and ends, for mounts.

``configure(c)`` puts it there. It imports the hub, and nothing of the service's.
"""
