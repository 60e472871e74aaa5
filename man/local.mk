# Manual pages. Their reference parts are checked against the program's tables: tests/doc.
dist_man_MANS += man/handoverd.8 man/handoverctl.8 man/handoverd.conf.5 man/handoverd-context.7
