"""Why a stage does not end yet: small named rules, with their sentences."""
