"""What operators see: metrics and logs, and the record of one request that both are written from."""
