"""The passes over findings, in one sweep: what an increment changes, and what that changes in turn."""
