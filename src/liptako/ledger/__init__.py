"""The log in the database: evidence as it came, and the tables that are drawn from it."""
