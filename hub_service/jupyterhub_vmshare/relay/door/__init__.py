"""The relay: the process that people's SSH connections end in, and that opens machines to them.

It decides nothing: who may what, until when, it is told by the service. It keeps nothing: when it
starts anew, the service tells it which accounts are to be locked.
"""
