"""Parts of ``jupyter vmshare``."""
