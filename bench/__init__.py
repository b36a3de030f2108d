"""Measures what Perennial costs and how fast it is: `python -m bench` (see README.md)."""
