"""What is wanted of machines, drives and snapshots, brought about through the compute port."""
