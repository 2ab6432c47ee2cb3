"""A local kind cluster in one command, also where no container registry can be reached.

Standard library only: it runs before any virtual environment exists. See ``kind/README.md``.
"""
