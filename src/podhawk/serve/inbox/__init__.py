"""The inbox: what senders were told is stored, until it has been evaluated."""
