"""Content as a Splunk app."""
