"""`program.estimate`: the forecast of a fit, from synthetic fits of a copy of the program."""
