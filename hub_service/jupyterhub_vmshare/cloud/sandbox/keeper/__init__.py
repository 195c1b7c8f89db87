"""The keeper of the sandboxes, which is root: it takes orders from the service over a unix socket.

The standard library, the words and the messages alone are imported here.
"""
