"""What goes wrong on purpose: faults of a project, put on bytes (links) and on meaning (effects, events, answers)."""
