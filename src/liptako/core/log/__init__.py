"""The append-only log: Merkle tree, signed checkpoints, bundles, and their verification."""
