"""What the LM layer and the engine both stand on: files, HTML, media, patterns, numbers, tables of rows."""
