"""What measures the gates. Injection: fresh orders spoilt on purpose (`plan`, `injection`, `spoiler`). Canaries:
labelled samples beside orders (`mixing`). `threshold`: what labelled samples say of a gate's threshold.
`gleaner audit`: `labelled` reads the rows of a file, `agreement` holds a gate's verdicts against their labels.
"""
