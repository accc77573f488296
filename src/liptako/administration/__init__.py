"""Pages of the node administrator and the auditor: people, offices, mandates, the audit trail."""
