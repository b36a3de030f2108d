"""What the commands do: one file a command, with one function of the command's name.

A function gets the account at work and the command. The function of a command on a subscription
gets the subscription too. `activities.command_checks` calls it in the transaction of the checks.
It raises `Refused` before it writes anything. It returns the result with the subscriptions that
changed.

`activities.registry` finds the files.
"""
