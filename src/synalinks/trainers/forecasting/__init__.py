"""`program.estimate`: a fit made synthetically, from the program's real prompts, and put back."""
