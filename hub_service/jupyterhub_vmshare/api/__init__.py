"""The HTTP API: one file a noun. Parse, call, render; no rules in here."""
