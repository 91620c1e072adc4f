"""An embedded MSSanté-like operator, its PKI and sample documents: for the demo, the tests and LPS vendors.

Nothing here is for real mail or real patients.
"""
