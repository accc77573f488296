"""People, offices, roles and mandates of this State, and the one answer to "may X do or see Y?"."""
