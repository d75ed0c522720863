"""
Acting: following a runbook step by step, with a person's verdict before anything is destroyed.

`plan` writes a run down, `follow` takes the next move of a run that is due, `decide` takes people's verdicts. Every
move reads rows, closes the transaction, calls, opens a new one, checks again and writes.
"""
