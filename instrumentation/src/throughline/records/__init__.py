"""Records as evidence: spool, chain, checkpoints, anchors, verification. What is in a record others decide."""
