/* From libconfig's tree to our structs. Private to config. */
#ifndef HANDOVERD_CORE_CONFIG_READ_H
#define HANDOVERD_CORE_CONFIG_READ_H

#include "core/config.h"

/* The parsed file. All functions report into errors. */
struct config_source;
struct config_source *config_source_open(const char *path, const char *text, struct config_errors *errors); /* or NULL */
void config_source_close(struct config_source *s); /* NULL allowed. The file names in filled structs go with it. */

/* Fills `out` (zeroed) from the top level; unknown settings there are looked for by config_source_unknown. */
void config_source_top(struct config_source *s, const struct config_table *table, void *out);
/* Fills `out` (zeroed) from the group named after the table. `needed`: its required settings must be there even if the
 * group is not. */
void config_source_group(struct config_source *s, const struct config_table *table, bool needed, void *out);
/* Complains about each top-level setting that none of the tables knows. */
void config_source_unknown(struct config_source *s, const struct config_table *top, const struct module *const *modules);
bool config_source_has_keys(const struct config_source *s); /* a key stands in the file itself */
/* The libconfig tree, with the text of keys wiped, is not needed any more; file names stay. */
void config_source_drop_tree(struct config_source *s);

/* Frees what a filled struct owns, not the struct. */
void config_table_free(const struct config_table *table, void *filled);

#endif
