"""Commands on ModelDeployments: which there are, and how those that were answered are taken off."""
