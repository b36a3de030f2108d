"""What the commands do: one file a command, with one function of the command's name.

The function of a command on a subscription gets the account at work, the command and the
subscription; the function of a command on an account gets the account at work and the command. It
is called after the checks of `activities.command_checks`, inside their transaction. It refuses by
raising `Refused` before it writes, and returns the result with the subscriptions that changed.

`activities.registry` finds the files.
"""
