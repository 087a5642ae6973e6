"""Whether what Elasticsearch holds is what was recorded, whole and in order; it changes nothing there."""
