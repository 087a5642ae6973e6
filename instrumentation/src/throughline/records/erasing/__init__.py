"""Taking one person out of the stores: what is his, how it goes, what is left. Records and their proofs stay."""
