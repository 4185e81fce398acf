"""What the Makefile calls: check parameters, execute a notebook by papermill, make the report, print the summary."""
