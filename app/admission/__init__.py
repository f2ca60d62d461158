"""Who may go now: tenants, keys; later leases, queue, limits."""
