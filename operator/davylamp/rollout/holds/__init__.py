"""Why a stage goes on: small named checks, each with its sentence."""
