"""Files that people send: fetched, recognised, checked and converted."""
