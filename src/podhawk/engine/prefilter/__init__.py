"""Which lines of a block any search can want, found without decoding a line."""
