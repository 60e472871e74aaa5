# Programs of scripts/bench. sctp_echo.c belongs to src/net/local.mk.
BENCH_TOOLS = tests/bench/tables_bench tests/bench/hi_bench tests/bench/fbu_bench tests/bench/ct_bench tests/bench/simulate tests/bench/token_bench tests/bench/scale_bench tests/bench/routes_bench tests/bench/hold_bench
check_PROGRAMS += $(BENCH_TOOLS)
tests_bench_tables_bench_SOURCES = tests/bench/tables_bench.c
tests_bench_tables_bench_LDADD = $(CORE_LIBS)
tests_bench_hi_bench_SOURCES = tests/bench/hi_bench.c tests/bench/bench.c tests/bench/bench.h
tests_bench_hi_bench_LDADD = src/fmip6/libfmip6.a $(NET_LIBS)
tests_bench_fbu_bench_SOURCES = tests/bench/fbu_bench.c tests/bench/bench.c tests/bench/bench.h
tests_bench_fbu_bench_LDADD = src/fmip6/libfmip6.a $(NET_LIBS)
tests_bench_routes_bench_SOURCES = tests/bench/routes_bench.c tests/bench/bench.c tests/bench/bench.h
tests_bench_routes_bench_LDADD = $(NET_LIBS)
tests_bench_hold_bench_SOURCES = tests/bench/hold_bench.c tests/bench/bench.c tests/bench/bench.h
tests_bench_hold_bench_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/net
tests_bench_hold_bench_LDADD = tests/net/libnslab.a $(NET_LIBS) $(TEST_LIBS)
tests_bench_ct_bench_SOURCES = tests/bench/ct_bench.c tests/bench/bench.c tests/bench/bench.h
tests_bench_ct_bench_LDADD = src/cxtp/libcxtp.a $(NET_LIBS)

tests_bench_simulate_SOURCES = tests/bench/simulate.c tests/bench/bench.c tests/bench/bench.h $(CROWD_CXTP)
tests_bench_simulate_LDADD = $(CXTP_LIBS) -lm

tests_bench_token_bench_SOURCES = tests/bench/token_bench.c tests/bench/bench.c tests/bench/bench.h
tests_bench_token_bench_LDADD = $(CXTP_LIBS)

tests_bench_scale_bench_SOURCES = tests/bench/scale_bench.c tests/bench/bench.c tests/bench/bench.h
tests_bench_scale_bench_LDADD = src/context/libcontext.a src/cxtp/libcxtp.a $(NET_LIBS)

.PHONY: bench
bench: $(BENCH_TOOLS) tests/bench/sctp_echo
EXTRA_DIST += tests/bench/bench.py tests/bench/movements.py tests/bench/crowd.py tests/bench/clients.py tests/bench/mobileip.py
