"""The service's own pages, under its own OAuth login: no script, no frame, nothing from outside."""
