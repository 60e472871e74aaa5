#include "rfc5568.h"

const struct sentence rfc5568_mobile[] = { END_OF_SENTENCES };
