sbin_PROGRAMS += handoverd
handoverd_SOURCES = src/main.c src/modules.c src/modules.h
DAEMON_LIBS = src/ctl/libctl.a src/dhcp4/libdhcp4.a src/mip6/libmip6.a src/fmip6/libfmip6.a src/cxtp/libcxtp.a \
	src/context/libcontext.a $(NET_LIBS)
handoverd_LDADD = $(DAEMON_LIBS)

# handoverctl is handoverd under another name: a relative link, which holds inside a DESTDIR too.
install-exec-hook:
	$(MKDIR_P) "$(DESTDIR)$(bindir)"
	ln -s -f -r "$(DESTDIR)$(sbindir)/handoverd" "$(DESTDIR)$(bindir)/handoverctl"
uninstall-hook:
	rm -f "$(DESTDIR)$(bindir)/handoverctl"
