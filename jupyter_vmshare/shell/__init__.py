"""A terminal on a machine, in whatever terminal this is: JupyterLab's, or another one.

`visit.Visit` is the one program for both. In JupyterLab it is what runs in a terminal of the
notebook server (`manager`), whose web socket, scrollback and list of terminals stay as they are.
"""
