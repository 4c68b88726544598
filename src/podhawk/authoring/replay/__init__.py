"""Datasets sent on to where events are received, as if they happened now."""
