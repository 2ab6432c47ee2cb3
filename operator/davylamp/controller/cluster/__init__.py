"""What the cluster holds and how single objects are brought to what they should be."""
