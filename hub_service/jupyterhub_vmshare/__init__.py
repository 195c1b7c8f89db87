"""The JupyterHub service of Jupyter VMShare: the one authority over what is shared.

Importing this package imports nothing else: a notebook server reads the wire models of
`jupyterhub_vmshare.api.contract` from it, and has neither a hub nor a database.
"""

from importlib.metadata import version

__version__ = version("jupyter-vmshare")

__all__ = ["__version__"]
