"""What other systems are told: which records raise a flag, how a message looks, is signed and tried again, and whom it may reach."""
