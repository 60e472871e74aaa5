/* uthash under our keyed hash: tables that strangers' messages fill (included by the machines only). */
#ifndef HANDOVERD_CXTP_TABLE_H
#define HANDOVERD_CXTP_TABLE_H

#include "core/secret.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = (unsigned)hash_keyed((keyptr), (keylen)))
#include <uthash.h>

#endif
