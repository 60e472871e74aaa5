#include "rfc5568.h"

const struct sentence rfc5568_formats[] = { END_OF_SENTENCES };
