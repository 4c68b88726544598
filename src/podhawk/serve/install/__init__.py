"""What `podhawk init` writes for those who install the service."""
