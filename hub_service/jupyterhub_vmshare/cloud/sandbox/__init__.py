"""Sandboxes: machines that are namespaces, a root of their own and drives on this host.

They start in about a second, and they are no virtual machines: they share the host's kernel.
``keeper`` is what runs as root, ``client`` how the service orders from it, and ``inside`` what
runs in a machine.
"""
