"""One file for each wrapping that audit events come in."""
