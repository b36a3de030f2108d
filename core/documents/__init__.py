"""What is sent out of the house: documents from facts, in the account's language."""
