"""Permanent coordination: the journal of the desk, incidents, their release, the shared map."""
