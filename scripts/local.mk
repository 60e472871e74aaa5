# Scripts that go into the distribution.
