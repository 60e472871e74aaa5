#include "rfc5568.h"

const struct sentence rfc5568_movement[] = { END_OF_SENTENCES };
