"""The one way into machines: certificate authorities, the rights on a link, and the relay itself.

``machine``  what lies on every machine
``door``     the relay, a process of its own that people's SSH connections end in
"""
