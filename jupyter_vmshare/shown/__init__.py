"""Shared folders on machines, where their person chose it: served from this session, over SFTP.

`serving` is a process for each folder that is shown, and `confined` what keeps it in there: what
asks for files is a machine with a root of its own, who may say anything. `wire` is the protocol.
`keeping` has in the notebook server what was chosen as it should be, and `carrying` is its link.
"""
