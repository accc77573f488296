"""How dates and numbers are written; Django finds the languages below."""
