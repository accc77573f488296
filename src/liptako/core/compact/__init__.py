"""The compact: who the members are, with which keys, and which audiences they name."""
