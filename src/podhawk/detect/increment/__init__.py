"""What a run keeps for the next one: the protocol of the state."""
