"""The commands of the command line. Each module holds one command or a group of related ones.

A new command is one function in one module here, registered by `@command`. No other file changes.
"""
