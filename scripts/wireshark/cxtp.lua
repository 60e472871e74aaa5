-- Wireshark dissector of the Context Transfer Protocol, CXTP (RFC 4067, RFC 4065).
--
-- To use it once:    wireshark -X lua_script:cxtp.lua       tshark -X lua_script:cxtp.lua …
-- To have it always: put this file, or a link to it, into the folder that Help > About > Folders calls "Personal Lua Plugins".
--
-- Between routers CXTP is known by SCTP's payload protocol identifier, 0x43585450 "CXTP", and by port 5091. Between mobile
-- and router it is subtype 1 of the experimental mobility messages: ICMPv6 type 150, ICMP type 41. Wireshark reads type 150
-- as one of FMIPv6's messages with neighbour discovery options and finds it malformed, so those with subtype 1 are taken
-- from it; all others, and everything else of ICMP, go to Wireshark's own dissectors as before (which are then not told the
-- hop limit, so the packet list does not show it for an echo).
--
-- Fields are cxtp.…; the key of a PCTD is shown by its length only, unless the preference cxtp.show_key is set.
-- A context of your own is one entry in `contexts` below, or, from another script, a dissector in the table "cxtp.fpt".
-- Contexts without a number of IANA's have handoverd's (handoverd.conf(5), context.fpt); preferences change them.

local VERSION, PORT, PPID, SUBTYPE = 1, 5091, 0x43585450, 1
local CTAR, CTAA, CTD, PCTD, CTDR, CTC, CTREQ = 1, 2, 3, 4, 5, 6, 7

local cxtp = Proto("cxtp", "Context Transfer Protocol")
local contexts_table = DissectorTable.new("cxtp.fpt", "CXTP feature profile type", ftypes.UINT16, base.HEX, cxtp)

cxtp.prefs.show_key = Pref.bool("Show key material", false, "Show the octets of the key that a PCTD carries (cxtp.key)")

-- ---- names ----

local type_names = {
	[CTAR] = "CTAR, Context Transfer Activate Request", [CTAA] = "CTAA, Context Transfer Activate Acknowledge",
	[CTD] = "CTD, Context Transfer Data", [PCTD] = "PCTD, Predictive Context Transfer Data",
	[CTDR] = "CTDR, Context Transfer Data Reply", [CTC] = "CTC, Context Transfer Cancel",
	[CTREQ] = "CT-Req, Context Transfer Request",
}
local short_names = { [CTAR] = "CTAR", [CTAA] = "CTAA", [CTD] = "CTD", [PCTD] = "PCTD", [CTDR] = "CTDR", [CTC] = "CTC", [CTREQ] = "CT-Req" }
local algorithm_names = { [1] = "HMAC_SHA1" }

-- RFC 4067 leaves the meaning of status octets to the features; these are handoverd's.
local status_names = {
	[0] = "Success", [1] = "Malformed", [2] = "Unknown feature", [3] = "No resources", [4] = "Failed",
	[5] = "Presence vector names an unknown field", [6] = "Not taken here", [7] = "Its program does not answer",
	[16] = "Asked for, but not sent", [17] = "Previous router did not answer in time", [18] = "Previous router unreachable",
}

-- ---- fields ----

local f, order = {}, {}
local function field(key, maker, abbrev, ...)
	f[key] = maker("cxtp." .. abbrev, ...)
	order[#order + 1] = f[key]
end
local P, set = ProtoField, { "Set", "Not set" }

field("version", P.uint8, "version", "Version", base.DEC, nil, 0xe0)
field("type", P.uint8, "type", "Type", base.DEC, type_names, 0x1f)
field("flags", P.uint8, "flags", "Flags", base.HEX)
field("v", P.bool, "flags.v", "V", 8, { "IPv4 addresses", "IPv6 addresses" }, 0x80)
field("a", P.bool, "flags.a", "A: reply wanted", 8, set, 0x40)
field("s", P.bool, "flags.s", "S: all contexts received", 8, set, 0x40)
field("reserved6", P.uint8, "flags.reserved", "Reserved", base.HEX, nil, 0x3f)
field("reserved7", P.uint8, "flags.reserved", "Reserved", base.HEX, nil, 0x7f)
field("length", P.uint16, "length", "Length", base.DEC)
field("elapsed", P.uint32, "elapsed", "Elapsed time (ms)", base.DEC)
field("mobile6", P.ipv6, "mobile.ipv6", "Mobile's previous address")
field("mobile4", P.ipv4, "mobile.ipv4", "Mobile's previous address")
field("router6", P.ipv6, "router.ipv6", "Other router", "To the pAR: the nAR; to the nAR: the pAR")
field("router4", P.ipv4, "router.ipv4", "Other router", "To the pAR: the nAR; to the nAR: the pAR")
field("seq", P.uint32, "seq", "Sequence number", base.HEX_DEC)
field("token", P.uint32, "token", "Authorization token", base.HEX)
field("algorithm", P.uint16, "algorithm", "Algorithm", base.DEC, algorithm_names)
field("key_length", P.uint16, "key.length", "Key length", base.DEC)
field("key", P.bytes, "key", "Key")
field("fpt", P.uint16, "fpt", "Feature profile type", base.HEX_DEC)
field("cdb_length", P.uint8, "cdb.length", "Length (words of 8 octets)", base.DEC)
field("presence_flag", P.bool, "cdb.p", "P: presence vector", 8, { "Present", "Absent" }, 0x80)
field("cdb_reserved", P.uint8, "cdb.reserved", "Reserved", base.HEX, nil, 0x7f)
field("presence", P.uint32, "cdb.presence", "Presence vector", base.HEX)
field("data", P.bytes, "cdb.data", "Data")
field("padding", P.bytes, "cdb.padding", "Padding")
field("status", P.uint8, "status", "Status", base.DEC)
field("status_reserved", P.uint8, "status.reserved", "Reserved", base.HEX)
field("trailer", P.bytes, "trailer", "Octets that do not belong to the message")
field("mld_prefix", P.ipv6, "mld.prefix", "Subnet prefix on the nAR's wireless interface")
field("mld_group", P.ipv6, "mld.group", "Multicast group")
field("neighbor_link", P.ether, "neighbor.link_address", "Link-layer address")
field("neighbor6", P.ipv6, "neighbor.ipv6", "IPv6 address")
field("neighbor4", P.ipv4, "neighbor.ipv4", "IPv4 address")
field("filter_width", P.uint8, "filter.width", "Length of an address", base.DEC)
field("filter_mode", P.uint8, "filter.mode", "Filter mode", base.DEC, { [0] = "INCLUDE", [1] = "EXCLUDE" })
field("filter_sources", P.uint16, "filter.sources", "Number of sources", base.DEC)
field("filter_group6", P.ipv6, "filter.group.ipv6", "Multicast group")
field("filter_group4", P.ipv4, "filter.group.ipv4", "Multicast group")
field("filter_source6", P.ipv6, "filter.source.ipv6", "Source")
field("filter_source4", P.ipv4, "filter.source.ipv4", "Source")
field("ct_version", P.uint8, "conntrack.version", "Version of the context", base.DEC)
field("ct_family", P.uint8, "conntrack.family", "Address family", base.DEC, { [4] = "IPv4", [6] = "IPv6" })
field("ct_entries", P.uint8, "conntrack.entries", "Entries", base.DEC)
field("ct_left_out", P.uint16, "conntrack.left_out", "Entries left behind", base.DEC)
field("ct_mobile6", P.ipv6, "conntrack.mobile.ipv6", "Mobile's address")
field("ct_mobile4", P.ipv4, "conntrack.mobile.ipv4", "Mobile's address")
field("ct_responder", P.bool, "conntrack.responder", "The mobile is", 8, { "destination of the original direction", "source" }, 0x80)
field("ct_assured", P.bool, "conntrack.assured", "Assured", 8, nil, 0x40)
field("ct_replied", P.bool, "conntrack.replied", "There was a reply", 8, nil, 0x20)
field("ct_marked", P.bool, "conntrack.marked", "A mark follows", 8, nil, 0x10)
field("ct_protocol", P.uint8, "conntrack.protocol", "Protocol", base.DEC,
	{ [1] = "ICMP", [6] = "TCP", [17] = "UDP", [58] = "ICMPv6", [132] = "SCTP", [136] = "UDP-Lite" })
field("ct_peer6", P.ipv6, "conntrack.peer.ipv6", "Peer")
field("ct_peer4", P.ipv4, "conntrack.peer.ipv4", "Peer")
field("ct_sport", P.uint16, "conntrack.srcport", "Source port, or ICMP identifier", base.DEC)
field("ct_dport", P.uint16, "conntrack.dstport", "Destination port, or ICMP type and code", base.DEC)
field("ct_timeout", P.uint32, "conntrack.timeout", "Timeout (s)", base.DEC)
field("ct_mark", P.uint32, "conntrack.mark", "Mark", base.HEX)
field("ct_state", P.uint8, "conntrack.state", "State", base.DEC)
field("ct_flags", P.uint8, "conntrack.tcp.flags", "TCP flags, original direction and reply", base.HEX)
field("ct_scales", P.uint8, "conntrack.tcp.scales", "Window scales, original direction and reply", base.HEX)
field("ct_vtag", P.uint32, "conntrack.sctp.vtag", "Verification tag", base.HEX)
field("rate_down", P.uint64, "rate.down", "Towards the mobile (bit/s, 0: no limit)", base.DEC)
field("rate_up", P.uint64, "rate.up", "From the mobile (bit/s, 0: no limit)", base.DEC)
field("rate_burst", P.uint32, "rate.burst", "Burst (octets, 0: the router chooses)", base.DEC)
field("rate_class", P.uint32, "rate.class", "Traffic class (major, minor)", base.HEX)
field("rate_dscp", P.uint8, "rate.dscp", "DSCP (255: as it is)", base.DEC)
field("response_in", P.framenum, "response_in", "Answered in", base.NONE, frametype.RESPONSE)
field("response_to", P.framenum, "response_to", "Answers", base.NONE, frametype.REQUEST)
field("repeats", P.framenum, "repeats", "Repeats the message in", base.NONE, frametype.RETRANS_PREV)
field("time", P.relative_time, "time", "Time since the request")
cxtp.fields = order

local e, experts = {}, {}
local function finding(key, text, group, severity)
	e[key] = ProtoExpert.new("cxtp." .. key, text, group, severity)
	experts[#experts + 1] = e[key]
end
local groups, severities = expert.group, expert.severity

finding("wrong_version", "Version is not 1", groups.PROTOCOL, severities.ERROR)
finding("unknown_type", "Unknown message type", groups.PROTOCOL, severities.ERROR)
finding("malformed", "Malformed", groups.MALFORMED, severities.ERROR)
finding("bad_length", "Length is not the message's", groups.MALFORMED, severities.ERROR)
finding("bad_checksum", "Checksum is wrong", groups.CHECKSUM, severities.ERROR)
finding("bad_code", "ICMP code is not 0", groups.PROTOCOL, severities.WARN)
finding("bad_hop_limit", "Hop limit is not 255", groups.PROTOCOL, severities.WARN)
finding("bad_reserved", "Reserved bits are set", groups.PROTOCOL, severities.WARN)
finding("bad_padding", "Padding is not zero", groups.PROTOCOL, severities.WARN)
finding("bad_address", "Not an address that a node can have", groups.PROTOCOL, severities.WARN)
finding("bad_group", "Not a multicast address", groups.PROTOCOL, severities.WARN)
finding("unknown_algorithm", "Algorithm is not defined", groups.PROTOCOL, severities.WARN)
finding("ordered", "Sent ordered: CXTP wants SCTP's U bit set", groups.PROTOCOL, severities.NOTE)
finding("short_form", "A block that asks, without the octets that fill it up to its length", groups.PROTOCOL, severities.NOTE)
finding("refused", "A context is not in force", groups.RESPONSE_CODE, severities.NOTE)
finding("no_token", "No token: asked before the mobile's CTAR came", groups.REQUEST_CODE, severities.CHAT)
finding("repeated", "Sent before", groups.SEQUENCE, severities.NOTE)
finding("cut", "The capture ends before the message", groups.UNDECODED, severities.NOTE)
cxtp.experts = experts

-- ---- contexts ----

local function check_zero(item, range, remark)
	for i = 0, range:len() - 1 do
		if range(i, 1):uint() ~= 0 then
			item:add_proto_expert_info(remark)
			return
		end
	end
end

-- Each function below reads the data of one kind of context: next(n) is the next n octets of it, tree is where to show them.
-- What it leaves must be padding. A next(n) beyond the end makes the block a malformed one.

-- Multicast listeners (RFC 4067 appendix B): half an address of prefix, and a group.
local function read_listener(next, tree)
	local prefix = next(8)
	local text = string.format("%x:%x:%x:%x::", prefix(0, 2):uint(), prefix(2, 2):uint(), prefix(4, 2):uint(), prefix(6, 2):uint())
	tree:add(f.mld_prefix, prefix, Address.ipv6(text)):append_text("/64")
	local range = next(16)
	local group = tree:add(f.mld_group, range)
	if range(0, 1):uint() ~= 0xff then
		group:add_proto_expert_info(e.bad_group)
	end
	tree:append_text(", " .. tostring(range:ipv6()))
end

-- A state vector (RFC 4067 §2.3): of its fields those that the presence vector names, all if there is none.
local function vector_reader(...)
	local fields = { ... }
	return function(next, tree, presence)
		for i, field_of in ipairs(fields) do
			if not presence or presence:bitfield(i - 1, 1) == 1 then
				tree:add(field_of[1], next(field_of[2]))
			end
		end
		if presence and presence:bitfield(#fields, 32 - #fields) ~= 0 then
			tree:add_proto_expert_info(e.malformed, "The presence vector names a field that the feature does not have")
		end
	end
end

-- A listener with its source filter, of either family (handoverd's).
local function read_filter(next, tree)
	local width, mode, n = next(1), next(1), next(2)
	tree:add(f.filter_width, width)
	tree:add(f.filter_mode, mode)
	tree:add(f.filter_sources, n)
	local octets = width:uint()
	if octets ~= 4 and octets ~= 16 then
		tree:add_proto_expert_info(e.malformed, "No length of an address")
		return
	end
	local group = next(octets)
	local item = tree:add(octets == 4 and f.filter_group4 or f.filter_group6, group)
	local first = group(0, 1):uint()
	if octets == 4 and (first < 224 or first > 239) or octets == 16 and first ~= 0xff then
		item:add_proto_expert_info(e.bad_group)
	end
	for _ = 1, n:uint() do
		tree:add(octets == 4 and f.filter_source4 or f.filter_source6, next(octets))
	end
end

-- Connection tracking (handoverd's): see src/context/flows_wire.h.
local with_ports = { [1] = true, [6] = true, [17] = true, [58] = true, [132] = true, [136] = true }

local function read_flow(next, tree, family)
	local bits, protocol = next(1), next(1)
	for _, flag in ipairs({ f.ct_responder, f.ct_assured, f.ct_replied, f.ct_marked }) do
		tree:add(flag, bits)
	end
	tree:add(f.ct_protocol, protocol)
	local peer = next(family == 4 and 4 or 16)
	tree:add(family == 4 and f.ct_peer4 or f.ct_peer6, peer)
	tree:append_text(", protocol " .. protocol:uint() .. ", peer " .. tostring(family == 4 and peer:ipv4() or peer:ipv6()))
	if with_ports[protocol:uint()] then
		tree:add(f.ct_sport, next(2))
		tree:add(f.ct_dport, next(2))
	end
	tree:add(f.ct_timeout, next(4))
	if bits:bitfield(3, 1) == 1 then
		tree:add(f.ct_mark, next(4))
	end
	if protocol:uint() == 6 then
		tree:add(f.ct_state, next(1))
		tree:add(f.ct_flags, next(1))
		tree:add(f.ct_scales, next(1))
	elseif protocol:uint() == 132 then
		tree:add(f.ct_state, next(1))
		tree:add(f.ct_vtag, next(4))
		tree:add(f.ct_vtag, next(4))
	end
end

local function read_flows(next, tree)
	local version = next(1)
	tree:add(f.ct_version, version)
	if version:uint() ~= 1 then
		tree:add_proto_expert_info(e.malformed, "A version of the context that is not known here")
		return
	end
	local family, n = next(1), next(1)
	tree:add(f.ct_family, family)
	tree:add(f.ct_entries, n)
	check_zero(tree, next(1), e.bad_reserved)
	tree:add(f.ct_left_out, next(2))
	tree:add(family:uint() == 4 and f.ct_mobile4 or f.ct_mobile6, next(family:uint() == 4 and 4 or 16))
	for i = 1, n:uint() do
		read_flow(next, tree:add(cxtp, version, "Entry " .. i), family:uint())
	end
end

-- By number: the name of a context, how its data is read, and the statuses that only it has (those from 32 on).
local contexts = {
	[1] = { name = "IPv6 multicast listener", read = read_listener },
}

-- Those with numbers of our own choice.
local private = {
	{ key = "neighbor", fpt = 65281, name = "neighbour binding", statuses = { [32] = "An address is another's" },
	  read = vector_reader({ f.neighbor_link, 6 }, { f.neighbor6, 16 }, { f.neighbor4, 4 }) },
	{ key = "multicast4", fpt = 65282, name = "IPv4 multicast listener", read = read_filter },
	{ key = "multicast6", fpt = 65285, name = "IPv6 multicast source filter", read = read_filter },
	{ key = "conntrack", fpt = 65283, name = "connection tracking", read = read_flows,
	  statuses = { [32] = "Another version", [33] = "An address is refused" } },
	{ key = "rate", fpt = 65284, name = "rate",
	  read = vector_reader({ f.rate_down, 8 }, { f.rate_up, 8 }, { f.rate_burst, 4 }, { f.rate_class, 4 }, { f.rate_dscp, 1 }) },
}
for _, c in ipairs(private) do
	cxtp.prefs["fpt_" .. c.key] = Pref.uint("Number of the context: " .. c.name, c.fpt, "context.fpt." .. c.key .. " of handoverd")
	contexts[c.fpt] = c
end

function cxtp.prefs_changed()
	for _, c in ipairs(private) do
		contexts[c.fpt] = nil
	end
	for _, c in ipairs(private) do
		c.fpt = cxtp.prefs["fpt_" .. c.key]
		contexts[c.fpt] = c
	end
end

local function fpt_text(fpt)
	local c = contexts[fpt]
	return c and c.name or string.format("feature 0x%04x", fpt)
end

local function status_text(fpt, status)
	local own = contexts[fpt] and contexts[fpt].statuses
	return own and own[status] or status_names[status] or "status " .. status
end

local function add_fpt(tree, range)
	tree:add(f.fpt, range):append_text(" (" .. fpt_text(range:uint()) .. ")")
	return range:uint()
end

-- ---- reading ----

-- The next n octets of a message, or nil with a remark on why there are none.
local function take(r, n, what)
	if r.pos + n > r.stop then
		if not r.over then
			r.over = true
			if r.cut then
				r.tree:add_proto_expert_info(e.cut)
			else
				r.tree:add_proto_expert_info(e.malformed, "The message ends in its " .. what)
			end
		end
		return nil
	end
	r.pos = r.pos + n
	return r.tvb(r.pos - n, n)
end

local function left(r)
	return r.over and 0 or r.stop - r.pos
end

local function is_node4(range)
	local first = range(0, 1):uint()
	return first ~= 0 and first ~= 127 and first < 224
end

local function is_node6(range)
	local first, zeros = range(0, 1):uint(), 0
	while zeros < 15 and range(zeros, 1):uint() == 0 do
		zeros = zeros + 1
	end
	local last = range(15, 1):uint()
	local mapped = zeros == 10 and range(10, 2):uint() == 0xffff
	return first ~= 0xff and not mapped and not (zeros == 15 and last <= 1)
end

local function read_address(r, what, field4, field6)
	local range = take(r, r.v4 and 4 or 16, what)
	if not range then
		return nil
	end
	local item = r.tree:add(r.v4 and field4 or field6, range)
	if not (r.v4 and is_node4 or is_node6)(range) then
		item:add_proto_expert_info(e.bad_address)
	end
	return tostring(r.v4 and range:ipv4() or range:ipv6())
end

-- ---- context data blocks ----

local function block_padding(tree, data, used)
	if used < data:len() then
		local range = data(used)
		check_zero(tree:add(f.padding, range), range, e.bad_padding)
		if range:len() > 7 then
			tree:add_proto_expert_info(e.malformed, "More than seven octets follow the data")
		end
	end
end

-- What reads a context's data gets it from here; used() is how much it took.
local function cursor(data)
	local at = 0
	local function next(n)
		if at + n > data:len() then
			error("short", 0)
		end
		at = at + n
		return data(at - n, n)
	end
	return next, function() return at end
end

local function block_data(tree, data, presence, fpt, pinfo)
	local context, other = contexts[fpt], contexts_table:get_dissector(fpt)
	if context then
		local next, used = cursor(data)
		local fine, why = pcall(context.read, next, tree, presence)
		if fine then
			block_padding(tree, data, used())
		elseif why == "short" then
			tree:add_proto_expert_info(e.malformed, "The data ends too soon for its feature")
		else
			error(why, 0)
		end
	elseif other then
		other:call(data:tvb(), pinfo, tree)
	else
		tree:add(f.data, data) -- the last octets may be padding: who does not know the feature cannot tell
	end
end

-- How many octets a block has whose length field says `words`; a second value if it has one of the short forms that a block
-- without data may come in: four octets with length 0, or with length 1 at the message's end (RFC 4067 §2.4 cannot say four).
local function block_size(words, available, asks)
	if asks and (words == 0 or (words == 1 and available == 4)) then
		return 4, true
	end
	return words * 8
end

local function read_block(r, pinfo, asks)
	local available = left(r)
	if available < 4 then
		take(r, 4, "context data block")
		return
	end
	local head = r.tvb(r.pos, 4)
	local size, short = block_size(head(2, 1):uint(), available, asks)
	local shown = math.min(math.max(size, 4), available)
	local tree = r.tree:add(cxtp, r.tvb(r.pos, shown), "Context Data Block")
	local fpt = add_fpt(tree, head(0, 2))
	tree:append_text(": " .. fpt_text(fpt))
	tree:add(f.cdb_length, head(2, 1))
	local has_presence = head(3, 1):bitfield(0, 1) == 1
	tree:add(f.presence_flag, head(3, 1))
	local reserved = tree:add(f.cdb_reserved, head(3, 1))
	if head(3, 1):bitfield(1, 7) ~= 0 then
		reserved:add_proto_expert_info(e.bad_reserved)
	end
	if size < 4 then
		tree:add_proto_expert_info(e.malformed, "A block of no octets")
		r.over = true
		return
	end
	if short then
		tree:add_proto_expert_info(e.short_form)
	end
	local whole = take(r, size, "context data block")
	if not whole then
		return
	end
	local at, presence = 4, nil
	if has_presence and size >= 8 then
		presence = whole(4, 4)
		tree:add(f.presence, presence)
		at = 8
	elseif has_presence then
		tree:add_proto_expert_info(e.malformed, "No room for the presence vector")
	end
	if at < size then
		if asks then
			block_padding(tree, whole(at), 0)
		else
			block_data(tree, whole(at), presence, fpt, pinfo)
		end
	end
	r.blocks[#r.blocks + 1] = fpt_text(fpt)
end

-- ---- the parts of messages ----

local read = {}

function read.elapsed(r)
	local range = take(r, 4, "elapsed time")
	if range then
		r.tree:add(f.elapsed, range)
	end
end

function read.mobile(r)
	r.mobile = read_address(r, "mobile's address", f.mobile4, f.mobile6)
end

function read.router(r)
	r.router = read_address(r, "router's address", f.router4, f.router6)
end

function read.token(r)
	local seq = take(r, 4, "sequence number")
	local token = seq and take(r, 4, "token")
	if seq then
		r.tree:add(f.seq, seq)
		r.seq = seq:uint()
	end
	if token then
		local item = r.tree:add(f.token, token)
		if r.type == CTREQ and token:uint() == 0 then
			item:add_proto_expert_info(e.no_token)
		end
	end
end

function read.key(r)
	local algorithm, length = take(r, 2, "algorithm"), take(r, 2, "key length")
	if not length then
		return
	end
	local item = r.tree:add(f.algorithm, algorithm)
	if not algorithm_names[algorithm:uint()] then
		item:add_proto_expert_info(e.unknown_algorithm)
	end
	item = r.tree:add(f.key_length, length)
	if length:uint() == 0 then
		item:add_proto_expert_info(e.malformed, "No key")
		return
	end
	local key = take(r, length:uint(), "key")
	if key and cxtp.prefs.show_key then
		r.tree:add(f.key, key)
	end
end

function read.request(r, pinfo)
	while left(r) > 0 do
		read_block(r, pinfo, true)
	end
end

function read.data(r, pinfo)
	while left(r) > 0 do
		read_block(r, pinfo, false)
	end
end

function read.statuses(r)
	while left(r) > 0 do
		local entry = take(r, 4, "status entry")
		if entry then
			local status = entry(2, 1):uint()
			local tree = r.tree:add(cxtp, entry, "Status")
			local fpt = add_fpt(tree, entry(0, 2))
			local item = tree:add(f.status, entry(2, 1))
			local reserved = tree:add(f.status_reserved, entry(3, 1))
			check_zero(reserved, entry(3, 1), e.bad_reserved)
			item:append_text(" (" .. status_text(fpt, status) .. ")")
			tree:append_text(string.format(": %s: %s", fpt_text(fpt), status_text(fpt, status)))
			if status ~= 0 then
				item:add_proto_expert_info(e.refused)
			end
			r.blocks[#r.blocks + 1] = string.format("%s: %s", fpt_text(fpt), status_text(fpt, status))
		end
	end
end

local parts = {
	[CTAR] = { flag = "a", read.mobile, read.router, read.token, read.request },
	[CTAA] = { read.mobile, read.statuses },
	[CTD] = { flag = "a", read.elapsed, read.mobile, read.data },
	[PCTD] = { flag = "a", read.elapsed, read.mobile, read.key, read.data },
	[CTDR] = { flag = "s", read.mobile, read.statuses },
	[CTC] = { read.mobile },
	[CTREQ] = { read.mobile, read.token, read.request },
}

-- ---- questions and answers ----

-- Which messages answer which. A question is known by who asked whom about which mobile.
local answers = { [CTAA] = { CTAR }, [CTD] = { CTREQ }, [CTDR] = { CTD, PCTD } }
local asked, heard, pairs_of = {}, {}, {}

function cxtp.init()
	asked, heard, pairs_of = {}, {}, {}
end

local function pair_of(frame)
	pairs_of[frame] = pairs_of[frame] or {}
	return pairs_of[frame]
end

local function remember(r, pinfo)
	local from, to = tostring(pinfo.src), tostring(pinfo.dst)
	for _, question in ipairs(answers[r.type] or {}) do
		local q = asked[table.concat({ question, r.mobile, to, from }, " ")]
		if q and not pair_of(q.frame)[question .. "in"] then
			pair_of(q.frame)[question .. "in"] = pinfo.number
			pair_of(pinfo.number)[r.type .. "to"] = q
			break
		end
	end
	asked[table.concat({ r.type, r.mobile, from, to }, " ")] = { frame = pinfo.number, time = pinfo.abs_ts }
	if r.type == CTAR or r.type == CTREQ then
		local same = table.concat({ r.type, r.mobile, from, to, r.seq or "" }, " ")
		if heard[same] then
			pair_of(pinfo.number)[r.type .. "again"] = heard[same]
		end
		heard[same] = heard[same] or pinfo.number
	end
end

local function show_pairs(r, pinfo)
	if not r.mobile or pinfo.in_error_pkt then
		return
	end
	if not pinfo.visited then
		remember(r, pinfo)
	end
	local p = pairs_of[pinfo.number]
	if not p then
		return
	end
	if p[r.type .. "in"] then
		r.tree:add(f.response_in, p[r.type .. "in"]):set_generated()
	end
	if p[r.type .. "to"] then
		local q = p[r.type .. "to"]
		local took = math.max(0, pinfo.abs_ts - q.time)
		r.tree:add(f.response_to, q.frame):set_generated()
		r.tree:add(f.time, NSTime.new(math.floor(took), math.floor((took % 1) * 1e9 + 0.5))):set_generated()
	end
	if p[r.type .. "again"] then
		local item = r.tree:add(f.repeats, p[r.type .. "again"])
		item:set_generated()
		item:add_proto_expert_info(e.repeated)
	end
end

-- ---- a message ----

local function read_flags(r, range)
	local flag = parts[r.type] and parts[r.type].flag
	local tree = r.tree:add(f.flags, range)
	tree:add(f.v, range)
	r.v4 = range:bitfield(0, 1) == 1
	if flag then
		tree:add(f[flag], range)
		r.flag = range:bitfield(1, 1) == 1 and flag:upper() or nil
	end
	local reserved = tree:add(flag and f.reserved6 or f.reserved7, range)
	if range:bitfield(flag and 2 or 1, flag and 6 or 7) ~= 0 then
		reserved:add_proto_expert_info(e.bad_reserved)
	end
end

local function read_length(r, range, pinfo)
	local length, came = range:uint(), r.came
	local item = r.tree:add(f.length, range)
	r.cut = r.cut or pinfo.in_error_pkt
	if length < 4 or length > came then
		if not (r.cut and length > came) then
			item:add_proto_expert_info(e.bad_length, string.format("Length is not the message's: %d octets came", came))
		end
		length = came
	elseif length < came then
		item:add_proto_expert_info(e.bad_length, string.format("Length is not the message's: %d octets came", came))
	end
	r.stop = math.min(length, r.tvb:len())
	r.after = length
end

local function info_of(r)
	local words = { short_names[r.type] }
	local function say(word, format)
		if word then
			words[#words + 1] = string.format(format or "%s", word)
		end
	end
	say(r.mobile)
	say(r.router, "router %s")
	say(r.seq, "seq 0x%08x")
	say(r.flag)
	say(#r.blocks > 0 and table.concat(r.blocks, ", "), "[%s]")
	return table.concat(words, " ")
end

-- Several messages of one packet stand beside each other in the packet list.
local function show_info(pinfo, text)
	if tostring(pinfo.cols.protocol) == "CXTP" then
		pinfo.cols.info:append(" | " .. text)
	else
		pinfo.cols.protocol = "CXTP"
		pinfo.cols.info = text
	end
	pinfo.cols.info:fence()
end

local function dissect_body(r, pinfo)
	for _, part in ipairs(parts[r.type]) do
		if r.over then
			break
		end
		part(r, pinfo)
	end
	if not r.over and r.stop < r.after then
		r.tree:add_proto_expert_info(e.cut)
	elseif left(r) > 0 then
		r.tree:add(f.trailer, r.tvb(r.pos, left(r)))
		r.tree:add_proto_expert_info(e.malformed, "Octets follow the message's last field")
	end
end

local beyond_capture = 0 -- octets of the message that were not captured: a part of a Tvb does not know

local function dissect_message(tvb, pinfo, root)
	local tree = root:add(cxtp, tvb())
	local came = tvb:reported_len() + beyond_capture
	local r = { tvb = tvb, tree = tree, pos = 0, stop = tvb:len(), came = came, cut = tvb:len() < came, blocks = {} }
	local head = take(r, 4, "header")
	if not head then
		show_info(pinfo, "Too short for a header")
		return tvb:len()
	end
	local version = tree:add(f.version, head(0, 1))
	local kind = tree:add(f.type, head(0, 1))
	r.type = head(0, 1):bitfield(3, 5)
	if head(0, 1):bitfield(0, 3) ~= VERSION then
		version:add_proto_expert_info(e.wrong_version)
		show_info(pinfo, string.format("Version %d", head(0, 1):bitfield(0, 3)))
		return tvb:len()
	end
	read_flags(r, head(1, 1))
	read_length(r, head(2, 2), pinfo)
	if not parts[r.type] then
		kind:add_proto_expert_info(e.unknown_type)
		show_info(pinfo, string.format("Type %d", r.type))
		return tvb:len()
	end
	dissect_body(r, pinfo)
	if r.after < tvb:len() then
		tree:add(f.trailer, tvb(r.after))
	end
	show_pairs(r, pinfo)
	tree:append_text(", " .. info_of(r))
	show_info(pinfo, info_of(r))
	return tvb:len()
end

-- ---- over SCTP ----

local unordered = Field.new("sctp.data_u_bit")

function cxtp.dissector(tvb, pinfo, root)
	local u = { unordered() }
	local n = dissect_message(tvb, pinfo, root)
	if #u > 0 and not u[#u].value then
		root:add_proto_expert_info(e.ordered)
	end
	return n
end

DissectorTable.get("sctp.ppi"):add(PPID, cxtp)
DissectorTable.get("sctp.port"):add(PORT, cxtp)
DissectorTable.get("udp.port"):add_for_decode_as(cxtp)

-- ---- over ICMP ----

local function last(extractor)
	local all = { extractor() }
	return all[#all]
end

local function sum16(range)
	local sum = 0
	for i = 0, range:len() - 2, 2 do
		sum = sum + range(i, 2):uint()
	end
	if range:len() % 2 == 1 then
		sum = sum + range(range:len() - 1, 1):uint() * 256
	end
	return sum
end

-- Whether the checksum is right; also if that cannot be said.
local function checksum_right(tvb, ends)
	if tvb:len() < tvb:reported_len() then
		return true
	end
	local sum = sum16(tvb())
	for _, field_of in ipairs(ends) do
		local address = last(field_of)
		if not address then
			return true
		end
		sum = sum + sum16(address.range)
	end
	if #ends > 0 then
		sum = sum + tvb:len() + 58
	end
	while sum > 0xffff do
		sum = sum % 0x10000 + math.floor(sum / 0x10000)
	end
	return sum == 0xffff
end

-- Stands in front of Wireshark's own dissector of an IP protocol and takes CXTP out of what goes to it.
local function stand_before(number, name, title, own_type, hop_field, ends)
	local table_of = DissectorTable.get("ip.proto")
	local original = table_of:get_dissector(number)
	local proto = Proto("cxtp_" .. name, title .. " with CXTP")
	local g = {
		type = P.uint8(name .. ".type", "Type", base.DEC, { [own_type] = "Experimental Mobility Protocols" }),
		code = P.uint8(name .. ".code", "Code", base.DEC),
		checksum = P.uint16(name .. ".checksum", "Checksum", base.HEX),
		subtype = P.uint8("cxtp." .. name .. ".subtype", "Subtype", base.DEC, { [SUBTYPE] = "CXTP" }),
		reserved = P.uint24("cxtp." .. name .. ".reserved", "Reserved", base.HEX),
	}
	proto.fields = { g.type, g.code, g.checksum, g.subtype, g.reserved }

	local function dissect_head(tvb, pinfo, tree)
		tree:add(g.type, tvb(0, 1))
		check_zero(tree:add(g.code, tvb(1, 1)), tvb(1, 1), e.bad_code)
		local checksum = tree:add(g.checksum, tvb(2, 2))
		tree:add(g.subtype, tvb(4, 1))
		check_zero(tree:add(g.reserved, tvb(5, 3)), tvb(5, 3), e.bad_reserved)
		if pinfo.in_error_pkt or pinfo.fragmented then
			return
		end
		if not checksum_right(tvb, ends) then
			checksum:add_proto_expert_info(e.bad_checksum)
		end
		local hops = last(hop_field)
		if hops and hops.value ~= 255 then
			tree:add_proto_expert_info(e.bad_hop_limit, string.format("Hop limit is %d, not 255", hops.value))
		end
	end

	function proto.dissector(tvb, pinfo, root)
		if tvb:len() < 8 or tvb(0, 1):uint() ~= own_type or tvb(4, 1):uint() ~= SUBTYPE then
			-- It says itself when something is malformed: no error of ours as well.
			local fine, n = pcall(original.call, original, tvb, pinfo, root)
			return fine and n or tvb:len()
		end
		dissect_head(tvb, pinfo, root:add(proto, tvb(0, 8), title))
		if tvb:len() > 8 then
			beyond_capture = tvb:reported_len() - tvb:len()
			Dissector.get("cxtp"):call(tvb(8):tvb(), pinfo, root)
			beyond_capture = 0
		else
			root:add_proto_expert_info(e.malformed, "No CXTP message")
		end
		return tvb:len()
	end
	table_of:add(number, proto)
end

stand_before(58, "icmpv6", "Internet Control Message Protocol v6", 150, Field.new("ipv6.hlim"),
	{ Field.new("ipv6.src"), Field.new("ipv6.dst") })
stand_before(1, "icmp", "Internet Control Message Protocol", 41, Field.new("ip.ttl"), {})
