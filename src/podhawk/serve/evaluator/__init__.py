"""The evaluator: a process that reads the inbox and takes it into the state, one increment after the other."""
