"""Reconciliation: finds what is wrong, repairs what is safe to repair, and reports it all."""
