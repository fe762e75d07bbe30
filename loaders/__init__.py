"""Outside data in: one folder for each source."""
