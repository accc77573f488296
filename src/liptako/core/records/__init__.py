"""What a record is: its header, its payload, and the one spelling of both."""
