"""What would become of files if they were given to be sent, and everything that is wrong with them, at once.

The verdict is that of the code that takes and prepares: whatever it refuses is an error here, and nothing else is.
The findings of each format add the place of a refusal, and what leaves although a rule asks for something else.
"""
