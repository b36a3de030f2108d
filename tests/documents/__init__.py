"""Documents: their words, their pages, their files."""
