#include "core/feature.h"

#include <errno.h>
#include <string.h>

/* In order of fpt. Features are few and come and go with their modules only. */
static const struct feature *registry[FEATURES_MAX];
static size_t registry_n;

/* Where fpt stands, or would. */
static size_t position(uint16_t fpt)
{
	size_t i = 0;
	while (i < registry_n && registry[i]->fpt < fpt)
		i++;
	return i;
}

int feature_register(const struct feature *f)
{
	size_t i = position(f->fpt);
	if (i < registry_n && registry[i]->fpt == f->fpt)
		return -EEXIST;
	if (registry_n == FEATURES_MAX)
		return -ENOSPC;
	memmove(&registry[i + 1], &registry[i], (registry_n - i) * sizeof registry[0]);
	registry[i] = f;
	registry_n++;
	return 0;
}

void feature_unregister(const struct feature *f)
{
	size_t i = position(f->fpt);
	if (i == registry_n || registry[i] != f)
		return;
	registry_n--;
	memmove(&registry[i], &registry[i + 1], (registry_n - i) * sizeof registry[0]);
}

const struct feature *feature_find(uint16_t fpt)
{
	size_t i = position(fpt);
	return i < registry_n && registry[i]->fpt == fpt ? registry[i] : NULL;
}

size_t features(const struct feature **out, size_t max)
{
	size_t n = registry_n < max ? registry_n : max;
	memcpy(out, registry, n * sizeof registry[0]);
	return n;
}
