"""Tests that content brings: run on their datasets, and put to the test themselves."""
