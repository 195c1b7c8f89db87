"""What operators see: structured logs with request ids and no secrets, metrics, health."""
