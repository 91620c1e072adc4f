"""HL7 v2 as the ANS volets use it: messages of the LPS that order a sending, answers, messages for the LPS."""
