# Example configurations and the systemd unit, with the paths of this build in them.
EXAMPLES = conf/access-router.conf conf/mobile-node.conf conf/home-agent.conf
EXTRA_DIST += conf/access-router.conf.in conf/mobile-node.conf.in conf/home-agent.conf.in conf/handoverd.service.in
CLEANFILES += $(EXAMPLES) conf/handoverd.service

examplesdir = $(docdir)/examples
nodist_examples_DATA = $(EXAMPLES)
if HAVE_SYSTEMD_UNIT
nodist_systemdsystemunit_DATA = conf/handoverd.service
endif

SUBSTITUTE = sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@runstatedir[@]|$(runstatedir)|g'
SUBSTITUTED = $(EXAMPLES) conf/handoverd.service
$(SUBSTITUTED): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && $(SUBSTITUTE) $< > $@.tmp && mv $@.tmp $@

# The configuration's folder holds keys. The control socket's must be there before the first start.
install-data-local:
	$(MKDIR_P) -m 0750 "$(DESTDIR)$(sysconfdir)/handoverd"
	$(MKDIR_P) "$(DESTDIR)$(runstatedir)"

# The examples are checked as `handoverd -t` does it, against the tables of the settings.
dist_check_SCRIPTS += conf/test_examples
TESTS += conf/test_examples
check_DATA = $(EXAMPLES)
