"""The commands of SPL: one file each, declaring everything there is to know about it."""
