"""Files that `kungfu init` copies, kept as code so that they are checked like code."""
