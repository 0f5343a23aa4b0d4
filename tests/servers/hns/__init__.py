"""A stub of a storage account with a hierarchical namespace, since no emulator of one exists.

It answers what obstore, the SDK and we send, as the services' documents say. What only the real service could
show is listed in docs/azure.md.
"""
