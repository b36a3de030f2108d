"""How long the law keeps invoices: whole years after the year of their date."""

USUAL_YEARS = 10
"""So many years by default."""
MOST_YEARS = 100
