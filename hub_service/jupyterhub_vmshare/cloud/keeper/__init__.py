"""What keepers of machines share: orders, what is written down of them, and who may give them.

A keeper runs as root beside its machines, and obeys the hub service through a socket. What kind of
machines they are is said by ``hands`` alone. The standard library and the messages are all that
it imports.
"""
