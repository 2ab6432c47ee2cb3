"""What the models of the API are made of: strict models, quantities as people write them, JSON."""
