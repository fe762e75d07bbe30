"""SkyScript DB: a PostgreSQL database that is an image-text dataset."""
