"""What a notebook shows and says: `connect()` is the door."""
