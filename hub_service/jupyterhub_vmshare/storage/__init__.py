"""Where the bytes of folders lie: the port that the rooms use, and its adapters."""
