# Fuzz targets. With --enable-fuzzers they are libFuzzer programs; otherwise tests/fuzz/replay.c runs each over its corpus
# (tests/fuzz/corpus/NAME, from the name of the program fuzz_NAME) as part of `make check`.
if FUZZ_REPLAY
check_LIBRARIES += tests/fuzz/libreplay.a
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/replay.c
# automake does not see it behind the substituted FUZZ_ENGINE
$(filter tests/fuzz/%,$(check_PROGRAMS)): tests/fuzz/libreplay.a
endif
