"""What people write and read: the spec, the status, the conditions, the CRD."""
