# What `cmake --install` puts where; see tests/install for the consumer's view.
