"""Decides whether a request is admitted: tenants, their keys, and the memory that requests may hold."""
