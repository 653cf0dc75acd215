"""Text: languages, cleaning, clauses, tokens. Pure functions below all other rooms."""
