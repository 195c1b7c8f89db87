"""What lies on every machine: a helper that is root, and the configuration of its SSH server.

Both go into images as they are; nothing here is imported by the service.
"""
