"""What is normal at a site: the baseline that a person has reviewed and committed, and proposals for it."""
