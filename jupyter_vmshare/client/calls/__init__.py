"""Every route of the service as a function that returns a `Call`. One file a noun."""
