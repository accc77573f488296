"""The command line: one file for each group of commands, one place for words and exit codes."""
