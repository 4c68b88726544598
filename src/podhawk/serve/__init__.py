"""`podhawk serve`: takes audit events over HTTP, keeps them until they are evaluated, and answers questions.

Two processes. The server has the receivers, the inbox and the interface; the evaluator reads the inbox and writes the
state. A body is answered with 200 when it is synced to the inbox, and its effects are committed together with the
position up to which the inbox has been evaluated. docs/serve.md says what follows from this.
"""
