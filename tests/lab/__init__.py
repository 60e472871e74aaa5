"""The lab: kernels to run on, networks of namespaces, traffic, and the pictures drawn of them."""
