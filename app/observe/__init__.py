"""What operators see: the facts of one request, metrics, logs."""
