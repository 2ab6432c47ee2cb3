"""The command line, one module a family; each offers ``add_arguments(parser)`` and ``run(options)``."""
