"""What a pass is decided on, gathered and put together before the decision."""
