# The lab's tools. `make lab` builds them alone, `make fuzzers` the fuzz targets alone.
LAB_TOOLS = tests/lab/udpflow tests/lab/tcpflow tests/lab/moveport tests/lab/thinlink
check_PROGRAMS += $(LAB_TOOLS)
tests_lab_udpflow_SOURCES = tests/lab/udpflow.c tests/lab/tool.c tests/lab/tool.h
tests_lab_tcpflow_SOURCES = tests/lab/tcpflow.c tests/lab/tool.c tests/lab/tool.h
tests_lab_moveport_SOURCES = tests/lab/moveport.c tests/lab/tool.c tests/lab/tool.h
tests_lab_thinlink_SOURCES = tests/lab/thinlink.c tests/lab/tool.c tests/lab/tool.h

.PHONY: lab fuzzers
lab: $(LAB_TOOLS) tests/net/test_paths$(EXEEXT)
fuzzers: $(filter tests/fuzz/%,$(check_PROGRAMS))
EXTRA_DIST += tests/lab/__init__.py tests/lab/lanes.py tests/lab/qemu_image.py tests/lab/guest-init tests/lab/netns.py tests/lab/topology.py \
	tests/lab/traffic.py tests/lab/daemon.py tests/lab/movement.py tests/lab/timeline.py tests/lab/draw_text.py \
	tests/lab/draw_svg.py tests/lab/loss.py tests/lab/demo.py tests/lab/demo_multicast.py tests/lab/clients.py tests/lab/crowd_clients.py tests/lab/dhcp.py tests/lab/demo_clients.py tests/lab/thinair.py \
	tests/lab/suite.py tests/lab/fmip6.py tests/net/test_attacks_fmip6.py tests/net/test_links.py tests/net/test_capture_fmip6.py tests/lab/crowd.py tests/net/test_crowd.py tests/lab/commute.py tests/net/test_commute.py tests/net/conftest.py tests/net/test_lab.py \
	tests/net/test_handover.py tests/net/test_process.py tests/net/test_thin_link.py
