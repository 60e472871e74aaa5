/* The heads of SCTP packets, before usrsctp sees them. */
#include "config.h"

#include <stddef.h>
#include <stdint.h>

#include "net/sctp_lower.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sctp_packet p = { .data = data, .len = size };
	uint8_t abort[16];

	if (sctp_packet_parse(&p))
		sctp_packet_abort(abort, p.dport, p.sport, p.first == CHUNK_INIT ? p.init_tag : p.tag, p.first != CHUNK_INIT);
	return 0;
}
