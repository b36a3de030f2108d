"""What Perennial costs and how fast it is, measured: `python -m bench` (see README.md)."""
