"""Risk: what findings say of users and systems, summed up until it is too much."""
