"""How urgent a finding is and whether it is shown: priority, exceptions, visibility."""
