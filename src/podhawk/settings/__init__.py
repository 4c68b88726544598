"""Options, environment and `podhawk.toml`: declared once, resolved once."""
