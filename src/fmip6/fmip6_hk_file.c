#include "fmip6/fmip6_hk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"

#define PEM_MAX 8192
#define ARENA 131072

/* ---- the file ---- */

static ssize_t read_all(int fd, char *out, size_t cap)
{
	size_t n = 0;
	ssize_t got;
	while (n < cap && (got = read(fd, out + n, cap - n)) != 0) {
		if (got < 0)
			return -errno;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

static struct send_key *file_read(int fd, const char *path)
{
	char pem[PEM_MAX];
	struct stat st;
	struct send_key *k = NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_mode & (S_IRWXG | S_IRWXO)) {
		LOG_ERROR("fmip6", "key file refused file=%s mode=%04o reason=\"it must be a file that only its owner can read: chmod 600\"", path,
		          (unsigned)st.st_mode & 07777);
		return NULL;
	}
	ssize_t n = read_all(fd, pem, sizeof pem);
	if (n > 0)
		k = send_key_read(pem, (size_t)n);
	secret_wipe(pem, sizeof pem);
	if (!k)
		LOG_ERROR("fmip6", "key file refused file=%s reason=\"no unencrypted RSA private key of %d to %d bits in it (PEM)\"", path,
		          SEND_BITS_MIN, SEND_BITS_MAX);
	return k;
}

/* Whole or not at all: it gets its name when everything is in it. */
static int file_write(const char *path, const char *pem, size_t len)
{
	char part[4096];
	if (snprintf(part, sizeof part, "%s.new", path) >= (int)sizeof part)
		return -ENAMETOOLONG;
	unlink(part);
	int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), rc = 0;
	if (fd < 0)
		return -errno;
	if (write(fd, pem, len) != (ssize_t)len || fsync(fd) < 0)
		rc = errno ? -errno : -EIO;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(part, path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(part);
	return rc;
}

static struct send_key *file_make(const char *path, unsigned bits)
{
	char pem[PEM_MAX];
	struct send_key *k = send_key_generate(bits);
	int n = k ? send_key_write(k, pem, sizeof pem) : -EIO;
	int rc = n < 0 ? n : file_write(path, pem, (size_t)n);
	secret_wipe(pem, sizeof pem);
	if (rc < 0) {
		LOG_ERROR("fmip6", "key file not made file=%s reason=\"%s\"", path, strerror(-rc));
		send_key_free(k);
		return NULL;
	}
	LOG_NOTICE("fmip6", "key file made file=%s bits=%u", path, bits);
	return k;
}

/* Private keys lie in locked pages that stay out of core dumps: OpenSSL's own arena, as large as some pairs need. */
static void arena(void)
{
	if (!CRYPTO_secure_malloc_initialized() && CRYPTO_secure_malloc_init(ARENA, 32) != 1)
		LOG_WARNING("fmip6", "private keys could be written to swap: locking memory failed");
}

struct send_key *hk_file_load(const char *path, unsigned bits)
{
	struct send_key *k;
	arena();
	if (!path) {
		k = send_key_generate(bits);
		if (!k)
			LOG_ERROR("fmip6", "key pair not made bits=%u", bits);
		return k;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return file_make(path, bits);
	if (fd < 0) {
		LOG_ERROR("fmip6", "key file not opened file=%s reason=\"%s\"", path, strerror(errno));
		return NULL;
	}
	k = file_read(fd, path);
	close(fd);
	return k;
}

/* ---- the thread ---- */

struct hk_maker {
	unsigned bits;
	hk_maker_fn *fn;
	void *arg;
	int fd; /* told when a pair is done */
	struct loop_fd *watch;
	bool working;
	pthread_t thread;
	struct send_key *made; /* the thread's until it ends */
};

static void *work(void *arg)
{
	struct hk_maker *m = arg;
	m->made = send_key_generate(m->bits);
	eventfd_write(m->fd, 1);
	return NULL;
}

static struct send_key *finish(struct hk_maker *m)
{
	struct send_key *k = NULL;
	if (m->working) {
		pthread_join(m->thread, NULL);
		k = m->made;
	}
	m->working = false;
	m->made = NULL;
	return k;
}

static void done(int fd, unsigned events, void *arg)
{
	struct hk_maker *m = arg;
	eventfd_t n;
	if (eventfd_read(fd, &n) == 0)
		m->fn(finish(m), m->arg);
}

/* Signals are the loop's. */
int hk_maker_begin(struct hk_maker *m)
{
	sigset_t all, before;
	if (m->working)
		return -EBUSY;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&m->thread, NULL, work, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	m->working = rc == 0;
	return -rc;
}

struct hk_maker *hk_maker_create(struct loop *l, unsigned bits, hk_maker_fn *fn, void *arg)
{
	struct hk_maker *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->bits = bits;
	m->fn = fn;
	m->arg = arg;
	m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->watch = m->fd >= 0 ? loop_fd_add(l, m->fd, LOOP_READ, done, m) : NULL;
	if (!m->watch) {
		hk_maker_destroy(m);
		return NULL;
	}
	return m;
}

void hk_maker_destroy(struct hk_maker *m)
{
	if (!m)
		return;
	send_key_free(finish(m));
	loop_fd_del(m->watch);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}
