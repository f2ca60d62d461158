"""Who may go now: tenants, their keys, and the memory that their requests may take."""
