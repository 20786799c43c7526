"""Published depth models by name: what they are, where their files are, and how to build them.

`table` has the facts, `configs` makes a config of them, `download` gets the file, `layouts` reads it.
"""
