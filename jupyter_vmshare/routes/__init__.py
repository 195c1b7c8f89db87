"""What the notebook server answers under ``vmshare/``. One file a noun."""
