"""Receivers: what senders talk to."""
