"""The tests of the kit, a class for each idea; Conformance is all of them."""
