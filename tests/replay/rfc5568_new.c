#include "rfc5568.h"

const struct sentence rfc5568_new[] = { END_OF_SENTENCES };
