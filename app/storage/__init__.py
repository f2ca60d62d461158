"""Data that outlives the process: files and databases."""
