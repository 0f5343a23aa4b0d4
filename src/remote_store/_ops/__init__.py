"""Every operation of a Store, written once as a coroutine over a Scope; the faces drive or await it."""
