"""ringback's reference client and the requirements that are checked with it."""
