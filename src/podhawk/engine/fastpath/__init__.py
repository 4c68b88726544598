"""From a line straight to counts, rows or kept events, for events as the API server writes them."""
