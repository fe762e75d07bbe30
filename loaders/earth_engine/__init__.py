"""Google Earth Engine: its images, registered as scenes, and their pixels."""
